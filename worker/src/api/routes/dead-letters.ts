import { type Static, Type } from "typebox";
import type { DeadLetter } from "../../../contract/records.ts";
import type { DeadLetters, LetterFilter, Requeued } from "../../adapters/redis/dead-letters.ts";
import { readKinds } from "../../adapters/redis/queue-status.ts";
import { FINGERPRINT_PATTERN } from "../../core/error-fingerprint.ts";
import { LetterClusters } from "../../core/letter-clusters.ts";
import { queueOf } from "../auth.ts";
import { readCursor, writeCursor } from "../cursor.ts";
import type { ApiParts, Queue } from "../parts.ts";
import { Problem } from "../problems.ts";
import { Clusters, LetterPage } from "../records.ts";
import { LetterQuery, MOST_IDS, StateOf, StreamQuery, TaskId } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

/** Payload characters after which a page ends. */
const PAGE_CHARACTERS = 8 * 1024 * 1024;

const Requeue = Type.Object(
  {
    ids: Type.Optional(Type.Array(TaskId, { minItems: 1, maxItems: MOST_IDS })),
    kind: Type.Optional(Type.String()),
    cluster: Type.Optional(Type.String({ pattern: FINGERPRINT_PATTERN.source })),
    all: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);
type Requeue = Static<typeof Requeue>;
const Handling = Type.Object({
  counts: Type.Record(Type.String(), Type.Integer(), { description: "How many came to each state." }),
  tasks: Type.Optional(Type.Array(StateOf)),
});
interface Page extends LetterFilter {
  readonly limit: number;
  readonly cursor?: string;
}

/** Whether a letter was buried after that one of the page before. */
function comesAfter({ buried_at, id }: DeadLetter, [time, last]: readonly [string, string]): boolean {
  return buried_at > Number(time) || (buried_at === Number(time) && id > last);
}

async function readPage(letters: DeadLetters, { limit, cursor, ...filter }: Page) {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const found: DeadLetter[] = [];
  let characters = 0;
  for await (const page of letters.pages(filter))
    for (const letter of page) {
      if (after !== undefined && !comesAfter(letter, after)) continue;
      const last = found.at(-1);
      if (
        last !== undefined &&
        (found.length === limit || characters + letter.payload.length > PAGE_CHARACTERS)
      )
        return { letters: found, next: writeCursor(String(last.buried_at), last.id) };
      found.push(letter);
      characters += letter.payload.length;
    }
  return { letters: found, next: null };
}

type Handled = Omit<Requeued, "state"> & { readonly state: Requeued["state"] | "no-handler" };

/** Requeues what is asked for, but for kinds that the fleet does not run. */
async function* requeue(
  { letters }: Queue,
  body: Requeue,
  known: ReadonlySet<string>,
): AsyncGenerator<Handled[]> {
  const runs = ({ kind }: DeadLetter) => known.size === 0 || known.has(kind);
  const { ids, kind, cluster } = body;
  if (ids !== undefined) {
    const foreign = new Set((await letters.byIds(ids)).filter((letter) => !runs(letter)).map(({ id }) => id));
    yield [...foreign].map((id) => ({ id, state: "no-handler" }));
    yield letters.requeueIds(ids.filter((id) => !foreign.has(id)));
    return;
  }
  for await (const page of letters.pages({ kind, cluster })) {
    yield page.filter((letter) => !runs(letter)).map(({ id }) => ({ id, state: "no-handler" }));
    yield letters.requeue(page.filter(runs));
  }
}

/** The dead-letter queue. */
export function addDeadLetterRoutes(app: Server, { redis }: ApiParts): void {
  const tag = "dlq";
  app.get<{ Querystring: Page }>(
    "/api/dlq",
    keyed("dlq:read", {
      ...{ tag, summary: "Dead letters, oldest burial first", query: LetterQuery },
      ends: { 200: LetterPage },
    }),
    async (request) => {
      const { kind, cluster, limit, cursor } = request.query;
      const more = cursor === undefined ? {} : { cursor };
      return readPage(queueOf(request).letters, { kind, cluster, limit, ...more });
    },
  );
  app.get(
    "/api/dlq/clusters",
    keyed("dlq:read", {
      ...{ tag, summary: "Dead letters by what they died of, the largest cluster first", query: StreamQuery },
      ends: { 200: Clusters },
    }),
    async (request) => {
      const clusters = new LetterClusters();
      for await (const page of queueOf(request).letters.pages()) clusters.add(page);
      return { clusters: clusters.ranked() };
    },
  );
  app.post<{ Body: Requeue }>(
    "/api/dlq/requeue",
    keyed("dlq:write", {
      ...{
        tag,
        summary: "Put dead letters back: one of ids, kind, cluster, all",
        query: StreamQuery,
        body: Requeue,
      },
      ends: { 200: Handling },
      fails: ["queue-full"],
    }),
    async (request) => {
      const { body } = request;
      if (Object.keys(body).length !== 1 || body.all === false)
        throw new Problem(
          "invalid-request",
          "say which dead letters: exactly one of ids, kind, cluster or all",
        );
      const queue = queueOf(request);
      const known = new Set((await readKinds(redis, queue.stream)).keys());
      const counts: Record<string, number> = {};
      const tasks: Handled[] = [];
      for await (const page of requeue(queue, body, known)) {
        for (const { state } of page) counts[state] = (counts[state] ?? 0) + 1;
        if (body.ids !== undefined) tasks.push(...page);
      }
      return body.ids === undefined ? { counts } : { counts, tasks };
    },
  );
}
