/** Every official image that the project builds on or runs, by name and tag: the only list of them. */

export interface OfficialImage {
  /** `repository:tag`. */
  readonly reference: string;
  readonly use: string;
  /** The build argument of `worker/Dockerfile` that takes it; "" where nothing is built on it. */
  readonly argument: string;
}

export const IMAGES = {
  workerBase: {
    reference: "gcr.io/distroless/nodejs24-debian12:nonroot",
    use: "what the worker image runs on",
    argument: "BASE",
  },
  buildBase: {
    reference: "node:24-bookworm-slim",
    use: "builds the worker's bundle",
    argument: "BUILD_BASE",
  },
  goBase: { reference: "golang:1.26-bookworm", use: "builds the sandbox's helper", argument: "GO_BASE" },
  toolboxBase: {
    reference: "busybox:1.37-musl",
    use: "programs in the worker image",
    argument: "TOOLBOX_BASE",
  },
  dockerCli: {
    reference: "docker:28-cli",
    use: "Docker's command line and Compose in the image watch-queue",
    argument: "DOCKER_CLI_BASE",
  },
  redis: {
    reference: "redis:7.2-bookworm",
    use: "the queue; its programs in the image backup",
    argument: "REDIS_BASE",
  },
  postgres: {
    reference: "postgres:17-bookworm",
    use: "the record; what the image backup runs on",
    argument: "POSTGRES_BASE",
  },
  redisExporter: { reference: "oliver006/redis_exporter:v1.74.0", use: "metrics of Redis", argument: "" },
  prometheus: { reference: "prom/prometheus:v3.5.0", use: "metrics and alert rules", argument: "" },
  alertmanager: { reference: "prom/alertmanager:v0.28.1", use: "sends alerts", argument: "" },
  grafana: { reference: "grafana/grafana:12.0.2", use: "dashboards", argument: "" },
  loki: { reference: "grafana/loki:3.5.3", use: "logs", argument: "" },
  alloy: { reference: "grafana/alloy:v1.10.0", use: "ships logs to Loki", argument: "" },
} as const satisfies Readonly<Record<string, OfficialImage>>;

export type ImageName = keyof typeof IMAGES;

export const IMAGE_NAMES = Object.keys(IMAGES) as readonly ImageName[];

/** The images that `worker/Dockerfile` builds on. */
export const BASE_NAMES = IMAGE_NAMES.filter((name) => IMAGES[name].argument !== "");

/** Targets of `worker/Dockerfile` that are images, and the bases that each is built on. */
export const TARGETS = {
  worker: ["workerBase", "buildBase", "goBase", "toolboxBase"],
  "watch-queue": ["workerBase", "buildBase", "goBase", "toolboxBase", "dockerCli"],
  backup: ["workerBase", "buildBase", "goBase", "toolboxBase", "redis", "postgres"],
} as const satisfies Readonly<Record<string, readonly ImageName[]>>;

export type ImageTarget = keyof typeof TARGETS;

export const TARGET_NAMES = Object.keys(TARGETS) as readonly ImageTarget[];
