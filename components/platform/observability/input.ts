import type { AlertOverrides } from "../../../dashboards/alert-limits.ts";

/** Who is told of alerts. */
export type AlertReceiver =
  /** Nobody: alerts are seen in Alertmanager and Grafana alone. */
  | { readonly kind: "none" }
  /** `url` gets Alertmanager's JSON by POST; it may be a reference, see `components/targets/references.ts`. */
  | { readonly kind: "webhook"; readonly url: string };

/** What is to be watched, as the names of services that resolve to the addresses of all their processes. */
export interface WatchedServices {
  /** `spawner`, `spawner-gpu`. */
  readonly spawners: readonly string[];
  /** `worker`, `worker-gpu`: there may be none of them running. */
  readonly workers: readonly string[];
  readonly api: boolean;
  readonly watchQueue: boolean;
  readonly backup: boolean;
  readonly redisExporter: boolean;
}

export interface ObservabilityInput {
  /** Name of the fleet, the external label of what Prometheus tells others. */
  readonly fleet: string;
  readonly services: WatchedServices;
  readonly receiver: AlertReceiver;
  /** Grafana with the boards. */
  readonly grafana: boolean;
  /** Loki and the shipper of logs. */
  readonly logs: boolean;
  /** Limits of alerts in place of those in `dashboards/alert-limits.ts`. */
  readonly limits?: AlertOverrides;
  /** Where the pages about alerts are; default: their path in the repository. */
  readonly runbooks?: string;
}
