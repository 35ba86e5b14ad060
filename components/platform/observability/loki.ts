import { stringify } from "yaml";
import { KEPT_DAYS, PORTS } from "./names.ts";

/** `loki.yaml`: one process, files of one volume, old logs removed. */
export function lokiConfig(): string {
  const config = {
    auth_enabled: false,
    server: { http_listen_port: PORTS.loki, log_level: "warn" },
    common: {
      path_prefix: "/loki",
      replication_factor: 1,
      ring: { instance_addr: "127.0.0.1", kvstore: { store: "inmemory" } },
      storage: { filesystem: { chunks_directory: "/loki/chunks", rules_directory: "/loki/rules" } },
    },
    schema_config: {
      configs: [
        {
          from: "2025-01-01",
          store: "tsdb",
          object_store: "filesystem",
          schema: "v13",
          index: { prefix: "index_", period: "24h" },
        },
      ],
    },
    limits_config: { retention_period: `${KEPT_DAYS.logs * 24}h`, max_line_size: "256KB" },
    compactor: {
      working_directory: "/loki/compactor",
      retention_enabled: true,
      delete_request_store: "filesystem",
    },
    analytics: { reporting_enabled: false },
  };
  return stringify(config, { lineWidth: 0 });
}
