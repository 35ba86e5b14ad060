/** Metrics that are not the worker's: Prometheus' own of each target, and those of the exporter for Redis. */

export interface ExternalMetric {
  readonly name: string;
  readonly labels: readonly string[];
  readonly help: string;
}

export const EXTERNAL_METRICS = {
  up: { name: "up", labels: [], help: "1 while Prometheus reaches the target, else 0." },
  redisMemoryUsed: {
    name: "redis_memory_used_bytes",
    labels: [],
    help: "Memory that Redis' data, buffers and overhead take.",
  },
  redisMemoryMax: {
    name: "redis_memory_max_bytes",
    labels: [],
    help: "Memory at which Redis refuses writes; 0: no limit.",
  },
} as const satisfies Record<string, ExternalMetric>;

/**
 * Labels that the scrape configuration gives every series of a target. `job`: the role. `service`: the service's name
 * in the stack, as `worker-gpu`. `instance`: one process or container.
 */
export const TARGET_LABELS = ["job", "service", "instance"] as const;
