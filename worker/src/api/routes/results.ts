import type { TaskOutcome } from "../../adapters/redis/results.ts";
import { queueOf } from "../auth.ts";
import type { ApiParts, Queue } from "../parts.ts";
import { Outcome, Outcomes } from "../records.ts";
import { IdParams, IdsBody, StreamQuery, WaitQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

type Shown = TaskOutcome | { readonly state: "unknown" };

async function waited(
  { results }: Queue,
  id: string,
  ms: number,
  ends: readonly AbortSignal[],
): Promise<Shown> {
  const signal = AbortSignal.any([AbortSignal.timeout(ms), ...ends]);
  return (await results.wait([id], { signal })).get(id) ?? { state: "open" };
}

/** How tasks stand. */
export function addResultRoutes(app: Server, { stopping }: ApiParts): void {
  app.get<{ Params: { id: string }; Querystring: { wait?: number } }>(
    "/api/tasks/:id",
    keyed("tasks:read", {
      ...{ tag: "tasks", summary: "How a task stands, or ends", query: WaitQuery, params: IdParams },
      ends: { 200: Outcome },
      fails: ["results-unavailable"],
    }),
    async (request) => {
      const { id } = request.params;
      const queue = queueOf(request);
      const { wait = 0 } = request.query;
      let outcome: Shown = (await queue.results.read([id]))[0] ?? { state: "open" };
      if (outcome.state === "open" && wait > 0)
        outcome = await waited(queue, id, wait * 1000, [stopping, request.signal]);
      if (outcome.state === "open" && (await queue.results.unknown([id])).size > 0)
        outcome = { state: "unknown" };
      return { id, ...outcome };
    },
  );
  app.post<{ Body: { ids: string[] } }>(
    "/api/results",
    keyed("tasks:read", {
      ...{ tag: "tasks", summary: "How many tasks stand, in one round trip to Redis", query: StreamQuery },
      body: IdsBody,
      ends: { 200: Outcomes },
      fails: ["results-unavailable"],
    }),
    async (request) => {
      const { ids } = request.body;
      const outcomes = await queueOf(request).results.readKnown(ids);
      return { tasks: ids.map((id, at) => ({ id, ...outcomes[at] })) };
    },
  );
}
