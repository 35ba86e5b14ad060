/** What the API's good answers hold, as JSON Schema, for the OpenAPI document. Later versions may add fields. */
import { type TSchema, Type } from "typebox";
import { PRIORITIES } from "../../contract/priorities.ts";
import { FAILURE_REASONS } from "../../contract/records.ts";
import { RUN_STATUSES } from "../../contract/runs.ts";
import { Anything } from "./schemas.ts";

const OPEN = { additionalProperties: true } as const;
const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const share = { type: "number", minimum: 0, maximum: 1 } as const;
const time = Type.Number({ description: "ms since the epoch" });
const nullableText = Type.Unsafe<string | null>({ type: ["string", "null"] });
const nullableTime = Type.Unsafe<number | null>({
  type: ["number", "null"],
  description: "ms since the epoch",
});
const oneOf = (words: readonly string[]) => Type.Unsafe<string>({ type: "string", enum: [...words] });
/** Next page; null at the end. */
const next = Type.Unsafe<string | null>({
  type: ["string", "null"],
  description: "`cursor` of the next page; null at the end.",
});

function record(fields: Record<string, TSchema>, description: string) {
  return Type.Object(fields, { ...OPEN, description });
}

const runFields = {
  ...{ queue: text, id: text, kind: text, status: oneOf(RUN_STATUSES), agent_id: text },
  ...{ priority: oneOf(PRIORITIES), attempts: count, deliveries: count, created_at: time },
  ...{ due_at: nullableTime, started_at: nullableTime, finished_at: nullableTime, updated_at: time },
  ...{ worker_id: nullableText, handler_version: nullableText, image_tag: nullableText },
  ...{ reason: nullableText, message: nullableText, trace_id: nullableText },
  progress: Type.Unsafe<number | null>({ ...share, type: ["number", "null"] }),
};
const line = record(
  {
    ...{ at: time, status: oneOf(RUN_STATUSES) },
    attempt: Type.Unsafe<number | null>({ type: ["integer", "null"], minimum: 1 }),
    ...{ worker_id: nullableText, message: nullableText, progress: runFields.progress },
  },
  "A change of the run.",
);
export const RunRecord = record(runFields, "A task, as the record knows it.");
export const RunAndLog = record(
  { ...runFields, log: Type.Array(line, { description: "Oldest first." }) },
  "A run and what happened to it.",
);
export const RunPage = Type.Object({ runs: Type.Array(RunRecord), next });
export const RunList = Type.Object({ runs: Type.Array(RunRecord) });
export const ResetAnswer = Type.Object({
  dry_run: Type.Boolean(),
  runs: Type.Array(
    record(
      {
        ...{ id: text, kind: text, status: oneOf(RUN_STATUSES), worker_id: nullableText, since: time },
        found: Type.String({
          description: "alive, lost, waiting, ended or gone: what the queue says of its task.",
        }),
        done: Type.String({
          description: "nothing, unread, repaired, requeued, dead-lettered or cancelled.",
        }),
      },
      "What became of a run.",
    ),
  ),
});
export const RunCounts = record(
  Object.fromEntries(RUN_STATUSES.map((status) => [status, count])),
  "Runs of each status.",
);

const failure = record(
  { attempt: count, at: time, message: text, reason: oneOf(FAILURE_REASONS), worker_id: text },
  "A failed attempt.",
);
const result = record(
  {
    ...{ v: Type.Literal(1), id: text, kind: text, status: oneOf(["success", "error", "cancelled"]) },
    output: Type.Optional(Type.Unknown({ description: "What the handler returned." })),
    error: Type.Optional(record({ message: text, reason: oneOf(FAILURE_REASONS) }, "Why it failed.")),
    ...{ attempts: count, enqueued_at: time, started_at: Type.Optional(time), finished_at: time },
    ...{ handler_version: text, image_tag: text, worker_id: text },
  },
  "How the task ended.",
);
export const Letter = record(
  {
    ...{ v: Type.Literal(1), id: text, kind: text },
    payload: Type.String({ description: "The payload's JSON text." }),
    options: Type.String({ description: "JSON text of the task's options; empty for none." }),
    ...{ enqueued_at: time, attempts: count, deliveries: count, errors: Type.Array(failure) },
    ...{ buried_at: time, message: text },
  },
  "A dead letter.",
);
export const LetterPage = Type.Object({ letters: Type.Array(Letter), next });
export const Clusters = Type.Object({
  clusters: Type.Array(
    record(
      {
        ...{ fingerprint: text, count, kind: text, reason: text },
        ...{ first_at: time, last_at: time, message: text, id: text },
      },
      "Dead letters that died of one cause, and the last of them.",
    ),
  ),
});
export const Outcome = Type.Object({
  ...{ id: text, state: oneOf(["settled", "dead", "open", "unknown"]) },
  result: Type.Optional(result),
  letter: Type.Optional(Letter),
});
export const Outcomes = Type.Object({ tasks: Type.Array(Outcome) });

export const QueueDepth = record(
  {
    ...{ stream: text, waiting: count, parked: count, running: count, delayed: count, due: count },
    ...{ paused: Type.Boolean(), dead_letters: count },
    oldest_idle_ms: Type.Unsafe<number | null>({
      type: ["number", "null"],
      description: "The longer of: age of the oldest waiting task, longest silence about a running one.",
    }),
    waiting_by: record(Object.fromEntries(PRIORITIES.map((word) => [word, count])), "By priority."),
    parked_by: Type.Record(text, count, { description: "By kind, where there are any." }),
  },
  "How full a queue is.",
);
export const WorkerList = Type.Object({
  workers: Type.Array(
    record(
      {
        ...{ worker_id: text, pid: count, host: text, state: oneOf(["busy", "idle", "draining"]) },
        ...{ slots: count, holding: count, running: Type.Record(text, count) },
        ...{ image_tag: text, revision: text, started_at: time, seen_at: time, address: text },
      },
      "A worker's last report.",
    ),
  ),
});
export const KindList = Type.Object({
  kinds: Type.Array(
    record(
      { kind: text, version: text, description: text, payload: Anything },
      "A kind, with the JSON Schema of its payload.",
    ),
  ),
});
