import { collectDefaultMetrics, type Metric, type MetricObject, Registry } from "prom-client";
import { METRICS } from "../../contract/metrics.ts";
import type { FailureLog } from "./failure-log.ts";
import { type Family, type QueueSnapshot, queueFamilies } from "./queue-metrics.ts";

export interface SpawnerMetricsOptions {
  readonly leads: () => boolean;
  /** Reads the queue; called at each scrape of the leader. */
  readonly snapshot: () => Promise<QueueSnapshot>;
  /** Reads where the record is; called at each scrape of the leader. */
  readonly record?: () => Promise<readonly Family[]>;
  readonly failures: FailureLog;
}

/** A metric whose values are read elsewhere, in the form that a registry prints. */
class StoredMetric {
  readonly name: string;
  readonly #family: Family;

  constructor(family: Family) {
    this.name = family.definition.name;
    this.#family = family;
  }

  async get(): Promise<MetricObject & { values: unknown }> {
    const { name, help, type } = this.#family.definition;
    return {
      name,
      help,
      type: type as unknown as MetricObject["type"],
      aggregator: "sum",
      collect: () => {},
      values: this.#family.samples,
    };
  }
}

/** `/metrics` of a spawner: its own always, the queue's while it leads. */
export class SpawnerMetrics {
  readonly #options: SpawnerMetricsOptions;
  readonly #process = new Registry();

  constructor(options: SpawnerMetricsOptions) {
    this.#options = options;
    collectDefaultMetrics({ register: this.#process });
  }

  /** Prometheus' text format. Without Redis the queue's metrics are missing, and a failure is counted. */
  async render(): Promise<string> {
    const queue = await this.#queue();
    const text = await printFamilies([...this.#own(), ...queue]);
    return `${text}${await this.#process.metrics()}`;
  }

  #own(): Family[] {
    const loops = [...this.#options.failures.totals];
    return [
      { definition: METRICS.leader, samples: [{ labels: {}, value: this.#options.leads() ? 1 : 0 }] },
      {
        definition: METRICS.spawnerFailures,
        samples: loops.map(([loop, value]) => ({ labels: { loop }, value })),
      },
    ];
  }

  async #queue(): Promise<readonly Family[]> {
    const { leads, snapshot, record, failures } = this.#options;
    if (!leads()) return [];
    try {
      const families = [...queueFamilies(await snapshot()), ...((await record?.()) ?? [])];
      failures.succeeded("metrics");
      return families;
    } catch (error) {
      failures.failed("metrics", error);
      return [];
    }
  }
}

/** Families in Prometheus' text format. */
export function printFamilies(families: readonly Family[]): Promise<string> {
  const registry = new Registry();
  // A registry calls nothing but `name` and `get()` of a metric; its type names only its own classes.
  for (const family of families) registry.registerMetric(new StoredMetric(family) as unknown as Metric);
  return registry.metrics();
}
