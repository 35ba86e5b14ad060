import type { DatabaseFacts, Facts, QueueFacts, RedisFacts } from "./facts.ts";

/** `warn`: works, and should be changed. `skipped`: could not be judged here; the detail says why. */
export type CheckStatus = "ok" | "warn" | "failed" | "skipped";

/** What a check found, and for what is wrong the way out. */
export type Finding =
  | { readonly status: "ok" | "skipped"; readonly detail: string }
  | { readonly status: "warn" | "failed"; readonly detail: string; readonly way_out: string };

export interface Check {
  /** For `--only`. */
  readonly id: string;
  /** A checklist line in the words of its source. */
  readonly title: string;
  /** Which list it is from. */
  readonly source: CheckSource;
  /** Pure: judges what was gathered. */
  readonly run: (facts: Facts) => Finding;
}

export const CHECK_SOURCES = ["production checklist", "before a deployment", "hazards"] as const;
export type CheckSource = (typeof CHECK_SOURCES)[number];

export const ok = (detail: string): Finding => ({ status: "ok", detail });
export const skipped = (detail: string): Finding => ({ status: "skipped", detail });
export const warn = (detail: string, way_out: string): Finding => ({ status: "warn", detail, way_out });
export const failed = (detail: string, way_out: string): Finding => ({ status: "failed", detail, way_out });

/** Judges Redis, where that is known. */
export function ofRedis({ redis }: Facts, judge: (redis: RedisFacts) => Finding): Finding {
  return "unknown" in redis ? skipped(redis.unknown) : judge(redis);
}

/** Judges the queue, where that is known. */
export function ofQueue({ queue }: Facts, judge: (queue: QueueFacts) => Finding): Finding {
  return "unknown" in queue ? skipped(queue.unknown) : judge(queue);
}

/** Judges the database, where there is one that answers; the check `connectivity` says when it does not. */
export function ofDatabase(
  { database }: Facts,
  judge: (database: Extract<DatabaseFacts, { state: "reachable" }>) => Finding,
): Finding {
  if (database.state === "none") return skipped("no database is configured");
  if (database.state === "unreachable") return skipped(`the database at ${database.address} does not answer`);
  return judge(database);
}
