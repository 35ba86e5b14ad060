/** `TASKFLEET_WATCH`: the Compose services that `watch-queue` scales, and the streams that their workers read. Pure. */

export interface WatchedService {
  /** The service's name in `compose.yaml`. */
  readonly service: string;
  /** The stream whose spawner says how many of its containers there should be. */
  readonly stream: string;
}

/** How an item may look. */
export const WATCHED_FORM = "`service=stream`, such as worker=peagen.tasks, each service and stream once";

const ITEM = /^([A-Za-z0-9][A-Za-z0-9._-]{0,127})=([A-Za-z0-9._:-]{1,200})$/;

/** Reads the setting's items; `wrong`: those that have another form, or name a service or stream again. */
export function parseWatchedServices(items: readonly string[]): {
  readonly services: readonly WatchedService[];
  readonly wrong: readonly string[];
} {
  const services: WatchedService[] = [];
  const wrong: string[] = [];
  for (const item of items) {
    const [, service = "", stream = ""] = ITEM.exec(item) ?? [];
    const again = services.some((other) => other.service === service || other.stream === stream);
    if (service === "" || again) wrong.push(item);
    else services.push({ service, stream });
  }
  return { services, wrong };
}

/** The setting's text for these services. */
export function formatWatchedServices(services: readonly WatchedService[]): string {
  return services.map(({ service, stream }) => `${service}=${stream}`).join(",");
}
