import { parseSource } from "../../worker/contract/secret-sources.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import type { Demand } from "./features.ts";
import type { ResolvedFleet } from "./resolve.ts";

type Fleet = Omit<ResolvedFleet, "demands">;

const LOOPBACK = /^(?:127\.|localhost$|\[?::1\]?$)/;
/** What exporters of traces use where nothing is said. */
const USUAL_COLLECTOR = "http://127.0.0.1:4318";

const isLoopback = (url: string) => LOOPBACK.test(new URL(url).hostname);

function gpus({ classes }: Fleet): readonly Demand[] {
  const some = classes.filter(({ gpu }) => gpu > 0);
  return some.map(({ name, gpu }) => ({ feature: "gpu", path: `classes.${name}.gpu`, value: String(gpu) }));
}

function broker({ execute: { backEnd, broker: socket } }: Fleet): readonly Demand[] {
  if (backEnd === "broker") return [{ feature: "sandboxBroker", path: "execute.backEnd", value: backEnd }];
  return socket === "" ? [] : [{ feature: "sandboxBroker", path: "execute.broker", value: socket }];
}

function secretFiles({ secrets: { sources } }: Fleet): readonly Demand[] {
  const files = sources.filter((source) => parseSource(source)?.type === "file");
  return files.map((value) => ({ feature: "secretFiles", path: "secrets.sources", value }));
}

function collector({ tracing: { enabled, otlpEndpoint } }: Fleet): readonly Demand[] {
  const value = otlpEndpoint === SETTINGS.otlpEndpoint.default ? USUAL_COLLECTOR : otlpEndpoint;
  if (!enabled || !isLoopback(value)) return [];
  return [{ feature: "loopbackCollector", path: "tracing.otlpEndpoint", value }];
}

/** What the spec insists on, in the order of the capability table. */
export function demandsOf(fleet: Fleet): readonly Demand[] {
  const { security, execute, api } = fleet;
  return Object.freeze<Demand[]>([
    ...security.demands,
    ...(execute.untrusted
      ? [{ feature: "untrustedExecute", path: "execute.untrusted", value: "true" } as const]
      : []),
    ...gpus(fleet),
    ...(LOOPBACK.test(api.host)
      ? []
      : [{ feature: "publishedApi", path: "api.host", value: api.host } as const]),
    ...broker(fleet),
    ...secretFiles(fleet),
    ...collector(fleet),
  ]);
}
