import { type Static, Type } from "typebox";
import type { ApiVerb } from "../../../contract/api.ts";
import { Purge, type PurgeState } from "../../adapters/redis/purge.ts";
import { age, ageMs } from "../age.ts";
import { queueOf } from "../auth.ts";
import type { ApiParts } from "../parts.ts";
import { Problem } from "../problems.ts";
import { StreamQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

const Order = Type.Object(
  {
    all: Type.Optional(Type.Literal(true, { description: "Needed where nothing else says which." })),
    kind: Type.Optional(Type.String({ minLength: 1 })),
    older_than: Type.Optional(age()),
    dry_run: Type.Optional(Type.Boolean({ description: "Only count. Default: false." })),
  },
  { additionalProperties: false },
);
type Order = Static<typeof Order>;

const count = Type.Integer({ minimum: 0 });
const Purged = Type.Object({
  ...{ purged: count, dry_run: Type.Boolean() },
  kinds: Type.Array(Type.Object({ kind: Type.String(), waiting: count, delayed: count, dead: count })),
});

/** Takes tasks out of the queue, and letters out of the dead-letter queue. */
export function addPurgeRoutes(app: Server, { redis, settings }: ApiParts): void {
  const purge = async (stream: string, states: readonly PurgeState[], order: Order) => {
    const { kind, older_than: olderThan, all, dry_run: dryRun = false } = order;
    if (kind === undefined && olderThan === undefined && all === undefined)
      throw new Problem("invalid-request", "say which tasks: kind, older_than or both, or all");
    const olderThanMs = olderThan === undefined ? 0 : ageMs(olderThan);
    const { resultTtl: resultTtlSeconds } = settings;
    const what = { states: new Set(states), kind, olderThanMs, dryRun, resultTtlSeconds };
    const purged = [...(await new Purge(redis, stream, what).run())].sort(([a], [b]) => (a < b ? -1 : 1));
    const kinds = purged.map(([name, counts]) => ({ kind: name, ...counts }));
    const sum = kinds.reduce((total, { waiting, delayed, dead }) => total + waiting + delayed + dead, 0);
    return { purged: sum, dry_run: dryRun, kinds };
  };
  const add = (url: string, verb: ApiVerb, states: readonly PurgeState[], summary: string) =>
    app.post<{ Body: Order }>(
      url,
      keyed(verb, {
        ...{ tag: verb.split(":")[0] ?? "", summary, query: StreamQuery, body: Order },
        ends: { 200: Purged },
      }),
      (request) => purge(queueOf(request).stream, states, request.body),
    );
  const cancels = "Take out waiting and delayed tasks, which end as cancelled";
  add("/api/queue/purge", "queue:write", ["waiting", "delayed"], cancels);
  add("/api/dlq/purge", "dlq:write", ["dead"], "Take out dead letters for good");
}
