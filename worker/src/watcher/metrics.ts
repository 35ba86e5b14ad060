import { METRICS } from "../../contract/metrics.ts";
import type { Family } from "../spawner/queue-metrics.ts";
import type { WatchCounts } from "./service-watch.ts";

/** One service at a scrape. */
export interface WatchedState {
  readonly service: string;
  readonly leads: boolean;
  readonly counts: WatchCounts;
  /** Failures so far, by what failed. */
  readonly failures: ReadonlyMap<string, number>;
}

const STATES = ["starting", "idle", "busy", "draining"] as const;

/** What `watch-queue` exposes. One that stands by knows no containers. */
export function watchFamilies(services: readonly WatchedState[]): readonly Family[] {
  const leading = services.filter(({ leads }) => leads);
  return [
    {
      definition: METRICS.watchLeader,
      samples: services.map(({ service, leads }) => ({ labels: { service }, value: leads ? 1 : 0 })),
    },
    {
      definition: METRICS.watchContainers,
      samples: leading.flatMap(({ service, counts }) =>
        STATES.map((state) => ({ labels: { service, state }, value: counts[state] })),
      ),
    },
    {
      definition: METRICS.watchStarted,
      samples: services.map(({ service, counts }) => ({ labels: { service }, value: counts.started })),
    },
    {
      definition: METRICS.watchFailures,
      samples: services.flatMap(({ service, failures }) =>
        [...failures].map(([loop, value]) => ({ labels: { service, loop }, value })),
      ),
    },
  ];
}
