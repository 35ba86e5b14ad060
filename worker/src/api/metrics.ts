/** The API's own metrics. What a part of the API counts besides requests is registered here too. */
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { METRICS, REQUEST_BUCKETS } from "../../contract/metrics.ts";
import { exposeSessions, SessionCounts } from "./sessions/metrics.ts";

/** A request that was answered. */
export interface AnsweredRequest {
  /** The route's template, such as `/api/tasks/:id`; empty for a path that is none. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

const { apiRequests, apiDuration, apiLimited } = METRICS;
/** Stands for all paths without a route: callers cannot make labels. */
const NO_ROUTE = "none";

export class ApiMetrics {
  /** Of all parts of the API. */
  readonly registry = new Registry();
  readonly sessions = new SessionCounts();
  readonly #requests: Counter<"route" | "method" | "status">;
  readonly #durations: Histogram<"route" | "method">;
  readonly #limited: Counter<"by">;

  constructor() {
    const registers = [this.registry];
    const { name, help } = apiRequests;
    this.#requests = new Counter({ name, help, labelNames: apiRequests.labels, registers });
    this.#durations = new Histogram({
      ...{ name: apiDuration.name, help: apiDuration.help, labelNames: apiDuration.labels, registers },
      buckets: [...REQUEST_BUCKETS],
    });
    this.#limited = new Counter({
      ...{ name: apiLimited.name, help: apiLimited.help, labelNames: apiLimited.labels, registers },
    });
    exposeSessions(this.registry, this.sessions);
    for (const by of ["key", "address"] as const) this.#limited.inc({ by }, 0);
  }

  /** Begins to watch the process. */
  start(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  answered({ route, method, status, seconds }: AnsweredRequest): void {
    const labels = { route: route === "" ? NO_ROUTE : route, method };
    this.#requests.inc({ ...labels, status: `${Math.floor(status / 100)}xx` });
    this.#durations.observe(labels, seconds);
  }

  /** A call was refused because its key, or else its address, made too many. */
  refused(by: "key" | "address"): void {
    this.#limited.inc({ by });
  }

  /** Prometheus' text format. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
