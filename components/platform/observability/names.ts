/** Names, ports and folders of the services that watch a fleet; configuration files and command lines read them here. */

export const PORTS = {
  /** `/metrics` of every role of the worker image. */
  roles: 9464,
  prometheus: 9090,
  alertmanager: 9093,
  grafana: 3000,
  loki: 3100,
  alloy: 12345,
  /** Where containers' logs arrive, as syslog over UDP. */
  syslog: 1514,
  redisExporter: 9121,
} as const;

/** Folder of the configuration files, in the project's folder. */
export const FOLDER = "observability";

/** Grafana's ids of its data sources. */
export const DATA_SOURCES = { prometheus: "taskfleet-prometheus", loki: "taskfleet-loki" } as const;

/** Where the services find their files. */
export const PATHS = {
  prometheus: "/etc/prometheus/prometheus.yml",
  rules: "/etc/prometheus/rules.yml",
  alertmanager: "/etc/alertmanager/alertmanager.yml",
  provisioning: "/etc/grafana/provisioning",
  boards: "/etc/grafana/boards",
  loki: "/etc/loki/loki.yaml",
  alloy: "/etc/alloy/config.alloy",
} as const;

/** How long metrics and logs are kept, in days. */
export const KEPT_DAYS = { metrics: 15, logs: 14 } as const;
