import type { ResolvedFleet } from "../../spec/resolve.ts";
import { secretFileVariable } from "../../spec/to-environment.ts";
import type { RecordAccess } from "./compile-queue.ts";
import { MEMORY } from "./footprints.ts";
import { NETWORK, PORT, SECRET, SERVICE, secretPath, VARIABLE, variable } from "./names.ts";
import {
  environment,
  QUEUE,
  ROLE_HEALTH,
  resultsMount,
  roleSettings,
  roleUser,
  service,
  streamsOf,
} from "./parts.ts";
import { hardenPart } from "./profile.ts";
import type { UnloggedService } from "./service.ts";

/** One API of all the fleet's streams; none where the spec wants none. */
export function apiServices(fleet: ResolvedFleet, record: RecordAccess): readonly UnloggedService[] {
  if (!fleet.api.enabled) return [];
  const { host, port } = fleet.api;
  const settings = { ...roleSettings(fleet, fleet.classes[0], "api"), streams: streamsOf(fleet) };
  // Spans go to a collector elsewhere.
  const egress = fleet.tracing.enabled ? [NETWORK.egress] : [];
  const networks = new Set([...QUEUE.networks, ...record.networks, ...egress, NETWORK.front]);
  const address = host.includes(":") ? `[${host}]` : host;
  const api = service(
    SERVICE.api,
    "The HTTP API: the one port that the network reaches. Its first key is in secrets/api-key.",
    {
      image: variable(VARIABLE.image),
      command: ["api"],
      environment: {
        ...QUEUE.environment,
        ...environment(settings),
        ...record.environment,
        [secretFileVariable("apiKey")]: secretPath(SECRET.apiKey),
      },
      secrets: [...QUEUE.secrets, ...record.secrets, SECRET.apiKey],
      volumes: resultsMount(fleet),
      networks: [...networks],
      ports: [`${address}:${port.port}:${PORT.api}`],
      depends_on: record.dependsOn,
      healthcheck: ROLE_HEALTH,
      restart: "unless-stopped",
      stop_grace_period: "45s",
    },
    hardenPart("api", { user: roleUser(fleet), memory: MEMORY.api }),
  );
  return [api];
}
