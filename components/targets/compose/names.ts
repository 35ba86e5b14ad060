/** Names and ports of the project's parts, each once. */

/** Services with fixed names; workers and spawners are named by class, see `serviceNames`. */
export const SERVICE = {
  api: "api",
  watcher: "watch-queue",
  redis: "redis",
  postgres: "postgres",
  databaseSetup: "database-setup",
  restore: "backup-restore",
  backup: "backup",
  redisExporter: "redis-exporter",
  prometheus: "prometheus",
  alertmanager: "alertmanager",
  grafana: "grafana",
  loki: "loki",
  alloy: "alloy",
} as const;

export const NETWORK = {
  /** Redis, PostgreSQL and who talks to them. */
  queue: "queue",
  /** Who is scraped, and who scrapes. */
  monitoring: "monitoring",
  /** Out of the engine's host: workers, and who has to reach a server elsewhere. */
  egress: "egress",
  /** In from the engine's host: who publishes a port. */
  front: "front",
} as const;

/** Inside of the containers. */
export const PORT = {
  api: 8080,
  redis: 6379,
  postgres: 5432,
} as const;

/** Files of secrets, under `secrets/` on the host and `/run/secrets/` in a container. */
export const SECRET = {
  redisPassword: "redis-password",
  apiKey: "api-key",
  postgresAdminPassword: "postgres-admin-password",
  postgresAppPassword: "postgres-app-password",
  databaseUrl: "database-url",
  databaseAdminUrl: "database-admin-url",
  databaseMigrateUrl: "database-migrate-url",
  databaseBackupUrl: "database-backup-url",
  /** Named `.json`: the source's form. */
  handlers: "handlers.json",
  /** As `components/platform/observability/services.ts` names them. */
  grafanaPassword: "grafana-password",
  redisPasswordMap: "redis-password-map",
} as const;

export type SecretName = (typeof SECRET)[keyof typeof SECRET];

export const secretPath = (name: SecretName): string => `/run/secrets/${name}`;

/** Named volumes: all state of the project. */
export const VOLUME = {
  redis: "redis-data",
  postgres: "postgres-data",
  history: "history",
  results: "results",
  backups: "backups",
} as const;

/** Paths in containers. */
export const PATH = {
  redisConfig: "/etc/taskfleet/redis.conf",
  redisData: "/data",
  postgresStart: "/etc/taskfleet/postgres.sh",
  postgresRules: "/etc/taskfleet/pg_hba.conf",
  /** The folder that the image declares as its volume; the cluster is `data` in it. */
  postgres: "/var/lib/postgresql/data",
  handlers: "/handlers",
  /** Folders of the worker image, and of the one for backups, that every user may write to. */
  history: "/var/lib/taskfleet/history",
  results: "/var/lib/taskfleet/results",
  backups: "/var/lib/taskfleet/backups",
  socket: "/var/run/docker.sock",
} as const;

/** Variables of `.env` that the provider fills in. */
export const VARIABLE = {
  image: "TASKFLEET_IMAGE",
  /** Config digest of that image, recorded in every result. */
  imageTag: "TASKFLEET_IMAGE_TAG",
  watchImage: "TASKFLEET_WATCH_IMAGE",
  backupImage: "TASKFLEET_BACKUP_IMAGE",
  directory: "TASKFLEET_PROJECT_DIRECTORY",
  socket: "TASKFLEET_DOCKER_SOCKET",
  socketGroup: "TASKFLEET_DOCKER_GROUP",
} as const;

/** `${NAME}`, filled in by Compose. */
export const variable = (name: string): string => `\${${name}}`;
/** Text that Compose takes as it is. */
export const literal = (text: string): string => text.replaceAll("$", "$$$$");
