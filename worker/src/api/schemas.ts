/** Requests of the API, as JSON Schema: what they are checked against and the OpenAPI document says. */
import { type Static, Type } from "typebox";
import { PRIORITIES } from "../../contract/priorities.ts";
import { RESET_AFTER_S } from "../../contract/runs.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { TRACEPARENT_PATTERN, TRACESTATE_PATTERN } from "../../contract/traceparent.ts";
import { FINGERPRINT_PATTERN } from "../core/error-fingerprint.ts";
import { TASK_ID_PATTERN } from "../core/task-id.ts";
import { MAX_DELAY_MS } from "../core/validate-task.ts";
import { age } from "./age.ts";

const CLOSED = { additionalProperties: false } as const;
/** Most ids of one call. */
export const MOST_IDS = 1_000;

export const TaskId = Type.String({ pattern: TASK_ID_PATTERN.source });
const { taskTimeout, maxAttempts } = SETTINGS;

export const Task = Type.Object(
  {
    kind: Type.String({ minLength: 1, description: "What runs it; GET /api/kinds lists them." }),
    payload: Type.Optional(
      Type.Unknown({ description: "Any JSON value that fits the kind's schema. Default: {}." }),
    ),
    id: Type.Optional(TaskId),
    agent_id: Type.Optional(
      Type.String({ pattern: TASK_ID_PATTERN.source, description: "Whose task it is. Default: its own id." }),
    ),
    delay: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_DELAY_MS / 1000, description: "Seconds." })),
    timeout: Type.Optional(
      Type.Number({
        minimum: taskTimeout.min,
        maximum: taskTimeout.max,
        description: "Seconds of one attempt.",
      }),
    ),
    max_attempts: Type.Optional(Type.Integer({ minimum: maxAttempts.min, maximum: maxAttempts.max })),
    priority: Type.Optional(
      Type.Unsafe<(typeof PRIORITIES)[number]>({ type: "string", enum: [...PRIORITIES] }),
    ),
    traceparent: Type.Optional(
      Type.String({
        pattern: TRACEPARENT_PATTERN.source,
        description: "The trace that it belongs to (W3C). Default: the request's.",
      }),
    ),
    tracestate: Type.Optional(Type.String({ pattern: TRACESTATE_PATTERN.source })),
  },
  CLOSED,
);
export type Task = Static<typeof Task>;

export function taskBatch(most: number) {
  return Type.Object({ tasks: Type.Array(Task, { minItems: 1, maxItems: most }) }, CLOSED);
}

export const IdempotencyKey = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      description:
        "Makes the push repeatable: the task's id or, in a batch, `<key>:<index>`, where the task has none of its own.",
    }),
  ),
});

/** A value whose members the schema does not list. */
export const Anything = Type.Object({}, { additionalProperties: true });

/** Of every route under /api. */
export const StreamQuery = Type.Object({
  stream: Type.Optional(Type.String({ description: "The queue's stream; default: the API's first." })),
});

export const IdParams = Type.Object({ id: TaskId });
export const IdsBody = Type.Object({ ids: Type.Array(TaskId, { minItems: 1, maxItems: MOST_IDS }) }, CLOSED);

export const Pushed = Type.Object({
  id: Type.Optional(Type.String()),
  state: Type.Optional(Type.String({ description: "waiting, delayed, or duplicate: the id was known." })),
  tasks: Type.Optional(Type.Array(Type.Object({ id: Type.String(), state: Type.String() }))),
});

export const StateOf = Type.Object({ id: Type.String(), state: Type.String() });

export const WaitQuery = Type.Object({
  ...StreamQuery.properties,
  wait: Type.Optional(Type.Number({ minimum: 0, maximum: 60, description: "Seconds to wait for the end." })),
});

const limit = Type.Optional(Type.Integer({ minimum: 1, maximum: MOST_IDS, default: 100 }));
const cursor = Type.Optional(Type.String({ maxLength: 512, description: "`next` of the page before." }));
export const LetterQuery = Type.Object({
  ...StreamQuery.properties,
  kind: Type.Optional(Type.String()),
  cluster: Type.Optional(Type.String({ pattern: FINGERPRINT_PATTERN.source })),
  limit,
  cursor,
});
const status = Type.Optional(Type.String({ description: "One or more, with commas between them." }));
const time = Type.Optional(Type.Integer({ minimum: 0, description: "ms since the epoch." }));
export const RunQuery = Type.Object({
  ...StreamQuery.properties,
  ...{ status, kind: Type.Optional(Type.String()), agent_id: Type.Optional(Type.String()) },
  ...{ since: time, until: time, limit, cursor },
});
export const StuckQuery = Type.Object({
  ...StreamQuery.properties,
  older_than: age({ default: "30m" }),
});

export const ResetBody = Type.Object(
  {
    older_than_seconds: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 315_360_000,
        description: `Runs that started, or were pushed and did not start, so long ago. Default: ${RESET_AFTER_S}.`,
      }),
    ),
    dry_run: Type.Optional(Type.Boolean({ description: "Change nothing. Default: false." })),
  },
  CLOSED,
);
export type ResetBody = Static<typeof ResetBody>;
