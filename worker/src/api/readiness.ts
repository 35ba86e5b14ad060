import { redisReadiness } from "../http/redis-readiness.ts";
import type { RunStore } from "../ports/activity-store.ts";
import type { ApiParts } from "./parts.ts";

/** What keeps the record from being read; empty when it answers, or where there is none. */
async function databaseReadiness(runs: RunStore | null): Promise<string[]> {
  if (runs === null) return [];
  return runs.ready().then(
    () => [],
    (error: unknown) => [`database: ${error instanceof Error ? error.message : String(error)}`],
  );
}

/**
 * What keeps the API from serving, one line each and without secrets; empty when it is ready. `only`: what is asked;
 * the other's routes may fail. Each part bounds its own time.
 */
export async function readiness(
  { redis, runs, redact, stopping }: Pick<ApiParts, "redis" | "runs" | "redact" | "stopping">,
  only?: "redis" | "database",
): Promise<readonly string[]> {
  const asked = await Promise.all([
    stopping.aborted ? ["api: it is stopping"] : [],
    only === "database" ? [] : redisReadiness(redis),
    only === "redis" ? [] : databaseReadiness(runs),
  ]);
  return asked.flat().map(redact);
}
