import { readKinds } from "../../adapters/redis/queue-status.ts";
import { queueOf } from "../auth.ts";
import type { ApiParts } from "../parts.ts";
import { KindList, WorkerList } from "../records.ts";
import { StreamQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

/** Who works, and what they run. */
export function addWorkerRoutes(app: Server, { redis }: ApiParts): void {
  const tag = "workers";
  app.get(
    "/api/workers",
    keyed("workers:read", {
      ...{ tag, summary: "Workers that report, by id", query: StreamQuery },
      ends: { 200: WorkerList },
    }),
    async (request) => ({ workers: await queueOf(request).workers.list() }),
  );
  app.get(
    "/api/kinds",
    keyed("workers:read", {
      ...{ tag, summary: "What the fleet runs, with the schemas of payloads", query: StreamQuery },
      ends: { 200: KindList },
    }),
    async (request) => {
      const kinds = [...(await readKinds(redis, queueOf(request).stream)).values()];
      return { kinds: kinds.sort((a, b) => (a.kind < b.kind ? -1 : 1)) };
    },
  );
}
