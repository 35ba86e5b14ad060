import { stringify } from "yaml";
import { EVALUATION_SECONDS } from "../../../dashboards/rules.ts";
import type { ObservabilityInput } from "./input.ts";
import { PATHS, PORTS } from "./names.ts";

const SCRAPE_INTERVAL = "15s";
const SCRAPE_TIMEOUT = "10s";
/** Workers come and go: their addresses are asked for as often. */
const REFRESH_INTERVAL = "5s";

interface Job {
  /** The role. */
  readonly name: string;
  readonly services: readonly string[];
  readonly port: number;
}

/** What is scraped, by role. */
export function scrapeJobs({ services }: Pick<ObservabilityInput, "services">): readonly Job[] {
  const one = (name: string, isThere: boolean, port: number = PORTS.roles): Job => ({
    name,
    services: isThere ? [name] : [],
    port,
  });
  return [
    { name: "spawner", services: services.spawners, port: PORTS.roles },
    { name: "worker", services: services.workers, port: PORTS.roles },
    one("api", services.api),
    one("watch-queue", services.watchQueue),
    one("backup", services.backup),
    one("redis-exporter", services.redisExporter, PORTS.redisExporter),
  ].filter((job) => job.services.length > 0);
}

/** Services of which at least one process is to answer, always. */
export function steadyServices({ services }: Pick<ObservabilityInput, "services">): readonly string[] {
  const jobs = scrapeJobs({ services }).filter(({ name }) => name !== "worker");
  return jobs.flatMap((job) => job.services);
}

/** A name resolves to one address a container; `instance` tells both, as `worker@172.18.0.7`. */
function discover({ services, port }: Job) {
  return {
    dns_sd_configs: [{ names: services, type: "A", port, refresh_interval: REFRESH_INTERVAL }],
    relabel_configs: [
      { source_labels: ["__meta_dns_name"], target_label: "service" },
      {
        source_labels: ["__meta_dns_name", "__address__"],
        separator: "@",
        regex: "(.+):\\d+",
        target_label: "instance",
      },
    ],
  };
}

/** `prometheus.yml`: every role by its service's name, the rules, and where alerts go. */
export function prometheusConfig(input: ObservabilityInput): string {
  const config = {
    global: {
      scrape_interval: SCRAPE_INTERVAL,
      scrape_timeout: SCRAPE_TIMEOUT,
      evaluation_interval: `${EVALUATION_SECONDS}s`,
      external_labels: { fleet: input.fleet },
    },
    rule_files: [PATHS.rules],
    alerting: {
      alertmanagers: [{ static_configs: [{ targets: [`alertmanager:${PORTS.alertmanager}`] }] }],
    },
    scrape_configs: [
      ...scrapeJobs(input).map((job) => ({ job_name: job.name, ...discover(job) })),
      itself("prometheus", `127.0.0.1:${PORTS.prometheus}`),
      itself("alertmanager", `alertmanager:${PORTS.alertmanager}`),
    ],
  };
  return stringify(config, { lineWidth: 0, aliasDuplicateObjects: false });
}

function itself(name: string, target: string) {
  const labels = { service: name, instance: name };
  return { job_name: name, static_configs: [{ targets: [target], labels }] };
}
