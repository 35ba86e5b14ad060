import { Type } from "typebox";
import { depth, setPaused } from "../../adapters/redis/queue-status.ts";
import { queueOf } from "../auth.ts";
import type { ApiParts } from "../parts.ts";
import { QueueDepth } from "../records.ts";
import { StreamQuery } from "../schemas.ts";
import type { Server } from "../server.ts";
import { keyed } from "./route.ts";

const Paused = Type.Object({ stream: Type.String(), paused: Type.Boolean() });

/** How full the queue is; pause and resume. */
export function addQueueRoutes(app: Server, { redis }: ApiParts): void {
  const tag = "queue";
  app.get(
    "/api/queue",
    keyed("queue:read", {
      tag,
      summary: "How full the queue is",
      query: StreamQuery,
      ends: { 200: QueueDepth },
    }),
    async (request) => {
      const { stream } = queueOf(request);
      const { waitingBy, parkedBy, deadLetters, oldestIdleMs, ...plain } = await depth(redis, stream);
      return {
        ...{ stream, ...plain, waiting_by: waitingBy, parked_by: parkedBy },
        ...{ dead_letters: deadLetters, oldest_idle_ms: oldestIdleMs },
      };
    },
  );
  const change = (word: "pause" | "resume", summary: string) =>
    app.post(
      `/api/queue/${word}`,
      keyed("queue:write", { tag, summary, query: StreamQuery, ends: { 200: Paused } }),
      async (request) => {
        const { stream } = queueOf(request);
        await setPaused(redis, stream, word === "pause");
        return { stream, paused: word === "pause" };
      },
    );
  change("pause", "Workers take no further task");
  change("resume", "Workers take tasks again");
}
