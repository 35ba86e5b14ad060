/** The services that watch a fleet, as plain data: what a target puts into its own document. */
import type { ObservabilityInput } from "./input.ts";
import { FOLDER, KEPT_DAYS, PATHS, PORTS } from "./names.ts";

export type ObservabilityServiceName =
  | "prometheus"
  | "alertmanager"
  | "grafana"
  | "loki"
  | "alloy"
  | "redis-exporter";

export interface ObservabilityService {
  readonly name: ObservabilityServiceName;
  /** `uid:gid`. */
  readonly user: string;
  /** Arguments of the image's entry point. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where it serves HTTP. */
  readonly port: number;
  /** Further ports, published on the engine's loopback. */
  readonly loopbackPorts: readonly { readonly port: number; readonly protocol: "tcp" | "udp" }[];
  /** A command in its container that exits 0 while it is healthy; `null`: its image has no program that could ask. */
  readonly healthCheck: readonly string[] | null;
  /** Files of the project (`from`, relative to its folder) mounted read-only at `to`. A folder counts as a file. */
  readonly files: readonly { readonly from: string; readonly to: string }[];
  /** Where its state is: a volume. */
  readonly data: string | null;
  /** Secrets by name, mounted at `/run/secrets/<name>`; `redis-password-map` is what `redisPasswordMap` gives. */
  readonly secrets: readonly ("redis-password-map" | "grafana-password")[];
  /** In bytes. */
  readonly memory: number;
}

const MEBIBYTE = 1024 * 1024;
const NOTHING = { environment: {}, loopbackPorts: [], data: null, secrets: [] } as const;
const mount = (file: string, to: string) => ({ from: `${FOLDER}/${file}`, to });

const prometheus: ObservabilityService = {
  ...NOTHING,
  name: "prometheus",
  user: "65534:65534",
  command: [
    `--config.file=${PATHS.prometheus}`,
    "--storage.tsdb.path=/prometheus",
    `--storage.tsdb.retention.time=${KEPT_DAYS.metrics}d`,
    "--storage.tsdb.retention.size=4GB",
    `--web.listen-address=0.0.0.0:${PORTS.prometheus}`,
  ],
  port: PORTS.prometheus,
  healthCheck: ["promtool", "query", "instant", `http://127.0.0.1:${PORTS.prometheus}`, "vector(1)"],
  files: [mount("prometheus.yml", PATHS.prometheus), mount("rules.yml", PATHS.rules)],
  data: "/prometheus",
  memory: 512 * MEBIBYTE,
};

const alertmanager: ObservabilityService = {
  ...NOTHING,
  name: "alertmanager",
  user: "65534:65534",
  command: [
    `--config.file=${PATHS.alertmanager}`,
    "--storage.path=/alertmanager",
    `--web.listen-address=0.0.0.0:${PORTS.alertmanager}`,
    // One replica: without it, it listens for others.
    "--cluster.listen-address=",
  ],
  port: PORTS.alertmanager,
  healthCheck: ["amtool", "config", "show", `--alertmanager.url=http://127.0.0.1:${PORTS.alertmanager}`],
  files: [mount("alertmanager.yml", PATHS.alertmanager)],
  data: "/alertmanager",
  memory: 128 * MEBIBYTE,
};

const grafana: ObservabilityService = {
  ...NOTHING,
  name: "grafana",
  user: "472:0",
  command: [],
  environment: {
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false",
    GF_ANALYTICS_CHECK_FOR_UPDATES: "false",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
    GF_AUTH_ANONYMOUS_ENABLED: "false",
    GF_NEWS_NEWS_FEED_ENABLED: "false",
    GF_PATHS_PROVISIONING: PATHS.provisioning,
    GF_PLUGINS_PREINSTALL_DISABLED: "true",
    GF_SECURITY_ADMIN_PASSWORD__FILE: "/run/secrets/grafana-password",
    GF_SECURITY_DISABLE_GRAVATAR: "true",
    GF_SERVER_HTTP_PORT: String(PORTS.grafana),
    GF_SNAPSHOTS_EXTERNAL_ENABLED: "false",
    GF_USERS_ALLOW_SIGN_UP: "false",
  },
  port: PORTS.grafana,
  healthCheck: ["wget", "-q", "-O", "/dev/null", `http://127.0.0.1:${PORTS.grafana}/api/health`],
  files: [mount("grafana/provisioning", PATHS.provisioning), mount("grafana/boards", PATHS.boards)],
  data: "/var/lib/grafana",
  secrets: ["grafana-password"],
  memory: 256 * MEBIBYTE,
};

const loki: ObservabilityService = {
  ...NOTHING,
  name: "loki",
  user: "10001:10001",
  command: [`-config.file=${PATHS.loki}`],
  port: PORTS.loki,
  // The image has neither a shell nor a client.
  healthCheck: null,
  files: [mount("loki.yaml", PATHS.loki)],
  data: "/loki",
  memory: 512 * MEBIBYTE,
};

const alloy: ObservabilityService = {
  ...NOTHING,
  name: "alloy",
  user: "473:473",
  command: [
    "run",
    `--server.http.listen-addr=0.0.0.0:${PORTS.alloy}`,
    "--storage.path=/var/lib/alloy/data",
    "--disable-reporting",
    PATHS.alloy,
  ],
  port: PORTS.alloy,
  loopbackPorts: [{ port: PORTS.syslog, protocol: "udp" }],
  healthCheck: null,
  files: [mount("config.alloy", PATHS.alloy)],
  data: "/var/lib/alloy/data",
  memory: 256 * MEBIBYTE,
};

/** Where the exporter asks: host and port of the queue's Redis. */
const REDIS_ADDRESS = "redis://redis:6379";

/** The file of passwords that the exporter for Redis reads. `password` may be a reference. */
export const redisPasswordMap = (password: string): string =>
  `${JSON.stringify({ [REDIS_ADDRESS]: password })}\n`;

const redisExporter: ObservabilityService = {
  ...NOTHING,
  name: "redis-exporter",
  user: "59000:59000",
  command: [`--web.listen-address=0.0.0.0:${PORTS.redisExporter}`],
  environment: {
    REDIS_ADDR: REDIS_ADDRESS,
    REDIS_PASSWORD_FILE: "/run/secrets/redis-password-map",
  },
  port: PORTS.redisExporter,
  // The image holds the exporter alone.
  healthCheck: null,
  files: [],
  secrets: ["redis-password-map"],
  memory: 64 * MEBIBYTE,
};

/** What runs for this input, in the order of their start. */
export function observabilityServices(
  input: Pick<ObservabilityInput, "grafana" | "logs" | "services">,
): readonly ObservabilityService[] {
  return [
    ...(input.services.redisExporter ? [redisExporter] : []),
    alertmanager,
    prometheus,
    ...(input.logs ? [loki, alloy] : []),
    ...(input.grafana ? [grafana] : []),
  ];
}

/** How the engine hands the logs of every service to the shipper, for a service's `logging:`; `docker logs` still works. */
export const SYSLOG_LOGGING = {
  driver: "syslog",
  options: {
    // UDP, so that no container waits for the shipper, or fails to start without it.
    "syslog-address": `udp://127.0.0.1:${PORTS.syslog}`,
    "syslog-format": "rfc5424micro",
    tag: "{{.Name}}",
  },
} as const;
