/** The services that watch the fleet, as `components/platform/observability` describes them. */
import { observabilityFiles } from "../../platform/observability/files.ts";
import type { ObservabilityInput } from "../../platform/observability/input.ts";
import {
  type ObservabilityService,
  type ObservabilityServiceName,
  observabilityServices,
  redisPasswordMap,
  SYSLOG_LOGGING,
} from "../../platform/observability/services.ts";
import type { ProjectFile } from "../../platform/project-file.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { REFERENCES } from "../references.ts";
import type { ComposeContext, ServerImage } from "./context.ts";
import { literal, NETWORK, SECRET, SERVICE, type SecretName } from "./names.ts";
import { healthy, readOnlyBind, service, serviceNames, volume } from "./parts.ts";
import { hardenPart } from "./profile.ts";
import type { Logging, NamedService, UnloggedService } from "./service.ts";

/** What people read above each, and how it is reached: networks, and the port on this machine alone. */
interface Placement {
  readonly about: string;
  readonly image: ServerImage;
  readonly networks: readonly string[];
  readonly published?: (fleet: ResolvedFleet) => number;
}

const PLACEMENTS: Readonly<Record<ObservabilityServiceName, Placement>> = {
  prometheus: {
    about: "Asks every process for its metrics and keeps them, and finds what is wrong.",
    image: "prometheus",
    networks: [NETWORK.monitoring, NETWORK.front],
    published: ({ observability }) => observability.prometheusPort,
  },
  alertmanager: {
    about: "Tells people of alerts.",
    image: "alertmanager",
    networks: [NETWORK.monitoring],
  },
  grafana: {
    about: "Dashboards. User admin, password in secrets/grafana-password.",
    image: "grafana",
    networks: [NETWORK.monitoring, NETWORK.front],
    published: ({ observability }) => observability.grafanaPort,
  },
  loki: { about: "Keeps the logs.", image: "loki", networks: [NETWORK.monitoring] },
  alloy: {
    about: "Takes the logs of all services from the engine and hands them to Loki.",
    image: "alloy",
    networks: [NETWORK.monitoring, NETWORK.front],
  },
  "redis-exporter": {
    about: "Redis' own figures, as metrics.",
    image: "redisExporter",
    networks: [NETWORK.queue, NETWORK.monitoring],
  },
};

function inputOf(fleet: ResolvedFleet): ObservabilityInput {
  const { alertWebhook, grafana, logs } = fleet.observability;
  const names = fleet.classes.map((one) => serviceNames(fleet, one));
  return {
    fleet: fleet.name,
    services: {
      spawners: names.map(({ spawner }) => spawner),
      workers: names.map(({ worker }) => worker),
      api: fleet.api.enabled,
      watchQueue: true,
      backup: fleet.backup.enabled,
      redisExporter: true,
    },
    receiver: alertWebhook === "" ? { kind: "none" } : { kind: "webhook", url: alertWebhook },
    grafana,
    logs,
  };
}

export function observabilityProjectFiles(fleet: ResolvedFleet): readonly ProjectFile[] {
  return fleet.observability.enabled ? observabilityFiles(inputOf(fleet)) : [];
}

export function observabilitySecrets({
  observability,
}: ResolvedFleet): Partial<Readonly<Record<SecretName, string>>> {
  if (!observability.enabled) return {};
  return {
    [SECRET.redisPasswordMap]: redisPasswordMap(REFERENCES.redisPassword),
    ...(observability.grafana ? { [SECRET.grafanaPassword]: REFERENCES.grafanaPassword } : {}),
  };
}

/** Alerts leave through the network that workers leave by. */
function networksOf({ name }: ObservabilityService, { observability }: ResolvedFleet): readonly string[] {
  const { networks } = PLACEMENTS[name];
  const leaves = name === SERVICE.alertmanager && observability.alertWebhook !== "";
  return leaves ? [...networks, NETWORK.egress] : networks;
}

function portsOf(described: ObservabilityService, fleet: ResolvedFleet): readonly string[] {
  const published = PLACEMENTS[described.name].published?.(fleet);
  return [
    ...(published === undefined ? [] : [`127.0.0.1:${published}:${described.port}`]),
    ...described.loopbackPorts.map(
      ({ port, protocol }) => `127.0.0.1:${fleet.observability.syslogPort}:${port}/${protocol}`,
    ),
  ];
}

function health({ healthCheck }: ObservabilityService) {
  if (healthCheck === null) return {};
  const test = ["CMD", ...healthCheck];
  return { healthcheck: { test, interval: "10s", timeout: "5s", start_period: "60s", retries: 3 } };
}

function watching(
  described: ObservabilityService,
  fleet: ResolvedFleet,
  { images }: ComposeContext,
): UnloggedService {
  const { name, command, environment, files, data, secrets, user, memory } = described;
  const { about, image } = PLACEMENTS[name];
  const variables = Object.entries(environment).map(([key, value]) => [key, literal(value)]);
  return service(
    name,
    about,
    {
      image: images[image],
      command: command.map(literal),
      environment: Object.fromEntries(variables),
      secrets,
      volumes: [
        ...files.map(({ from, to }) => readOnlyBind(`./${from}`, to)),
        ...(data === null ? [] : [volume(`${name}-data`, data)]),
      ],
      networks: networksOf(described, fleet),
      ports: portsOf(described, fleet),
      ...(name === SERVICE.redisExporter ? { depends_on: healthy(SERVICE.redis) } : {}),
      ...health(described),
      restart: "unless-stopped",
      stop_grace_period: "30s",
    },
    hardenPart(name, { user, memory }),
  );
}

/** None where the spec wants none. */
export function observingServices(fleet: ResolvedFleet, context: ComposeContext): readonly UnloggedService[] {
  if (!fleet.observability.enabled) return [];
  return observabilityServices(inputOf(fleet)).map((described) => watching(described, fleet, context));
}

/** The newest 50 MB of a container's output, for `docker compose logs`. */
const FILES: Logging = { driver: "json-file", options: { "max-size": "10m", "max-file": "5" } };
/** Their own logs would come back to them. */
const UNSHIPPED: readonly string[] = [SERVICE.loki, SERVICE.alloy];

/** With Loki, the engine hands every line to the shipper and keeps some for `docker compose logs` too. */
export function logged(
  services: readonly UnloggedService[],
  { observability }: ResolvedFleet,
): readonly NamedService[] {
  const address = `udp://127.0.0.1:${observability.syslogPort}`;
  const shipped = { ...SYSLOG_LOGGING, options: { ...SYSLOG_LOGGING.options, "syslog-address": address } };
  return services.map(({ name, about, service: unlogged }) => {
    const logging = observability.logs && !UNSHIPPED.includes(name) ? shipped : FILES;
    return { name, about, service: { ...unlogged, logging } };
  });
}
