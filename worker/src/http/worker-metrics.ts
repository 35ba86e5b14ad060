import { Counter, collectDefaultMetrics, Registry } from "prom-client";
import { METRICS, type MetricDefinition } from "../../contract/metrics.ts";
import { ERROR_SOURCES, type ErrorSource } from "../runtime/runtime-events.ts";

/** A worker's own metrics: its process and its own failures. What tasks did is counted in Redis. */
export class WorkerMetrics {
  readonly #registry = new Registry();
  readonly #failures: Counter<"source">;

  /** What is counted elsewhere, so far. */
  constructor(droppedSpans: () => number, lostHistory: () => number) {
    const { name, help } = METRICS.workerErrors;
    this.#failures = new Counter({ name, help, labelNames: ["source"], registers: [this.#registry] });
    for (const source of ERROR_SOURCES) this.#failures.inc({ source }, 0);
    this.#expose(METRICS.spansDropped, droppedSpans);
    this.#expose(METRICS.historyLost, lostHistory);
  }

  /** Begins to watch the process. */
  start(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  countFailure(source: ErrorSource): void {
    this.#failures.inc({ source });
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #expose({ name, help }: MetricDefinition, value: () => number): void {
    const counter = new Counter({
      ...{ name, help, registers: [this.#registry] },
      collect: () => {
        counter.reset();
        counter.inc(value());
      },
    });
  }
}
