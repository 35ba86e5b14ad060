import { Type } from "typebox";
import { redisReadiness } from "../../http/redis-readiness.ts";
import type { RunStore } from "../../ports/activity-store.ts";
import type { ApiParts } from "../parts.ts";
import type { Server } from "../server.ts";

const DATABASE_MS = 2_000;
const Only = Type.Object({
  only: Type.Optional(Type.Unsafe<"redis" | "database">({ type: "string", enum: ["redis", "database"] })),
});
const Status = Type.Object({ status: Type.String(), errors: Type.Optional(Type.Array(Type.String())) });

/** What keeps the record from being read; empty when it answers, or where there is none. */
async function databaseReadiness(runs: RunStore | null): Promise<string[]> {
  if (runs === null) return [];
  const late = Promise.withResolvers<string[]>();
  const timer = setTimeout(
    () => late.resolve([`database: no answer within ${DATABASE_MS / 1000} s`]),
    DATABASE_MS,
  );
  const asked = runs.ready().then(
    () => [],
    (error: unknown) => [`database: ${error instanceof Error ? error.message : String(error)}`],
  );
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}

/** `/health`, `/health/live`, `/health/ready`: for probes, without a key. */
export function addHealthRoutes(app: Server, { redis, runs, redact, stopping }: ApiParts): void {
  const schema = { tags: ["health"], response: { 200: Status, 503: Status } };
  app.get("/health", { schema }, () => ({ status: "ok" }));
  app.get("/health/live", { schema }, () => ({ status: "alive" }));
  app.get<{ Querystring: { only?: "redis" | "database" } }>(
    "/health/ready",
    { schema: { ...schema, querystring: Only, summary: "Whether Redis and the database answer" } },
    async ({ query: { only } }, reply) => {
      const asked = await Promise.all([
        stopping.aborted ? ["api: it is stopping"] : [],
        only === "database" ? [] : redisReadiness(redis),
        only === "redis" ? [] : databaseReadiness(runs),
      ]);
      const errors = asked.flat().map(redact);
      if (errors.length === 0) return { status: "ready" };
      return reply.status(503).send({ status: "not ready", errors });
    },
  );
}
