import { alertRules } from "../../../dashboards/alerts.ts";
import { rulesFile } from "../../../dashboards/rules.ts";
import type { ProjectFile } from "../project-file.ts";
import { alertmanagerConfig } from "./alertmanager.ts";
import { alloyConfig } from "./alloy.ts";
import { grafanaFiles } from "./grafana.ts";
import type { ObservabilityInput } from "./input.ts";
import { lokiConfig } from "./loki.ts";
import { FOLDER } from "./names.ts";
import { prometheusConfig, steadyServices } from "./prometheus.ts";

const MODE = "0444";

/** Every configuration file of the services that watch a fleet, under `observability/` of the project's folder. */
export function observabilityFiles(input: ObservabilityInput): readonly ProjectFile[] {
  const rules = alertRules({
    ...(input.limits === undefined ? {} : { limits: input.limits }),
    services: steadyServices(input),
    spawners: input.services.spawners,
  });
  const file = (path: string, content: string): ProjectFile => ({
    path: `${FOLDER}/${path}`,
    content,
    mode: MODE,
  });
  return [
    file("prometheus.yml", prometheusConfig(input)),
    file("rules.yml", rulesFile(rules, input.runbooks)),
    file("alertmanager.yml", alertmanagerConfig(input)),
    ...(input.grafana ? grafanaFiles(input) : []),
    ...(input.logs ? [file("loki.yaml", lokiConfig()), file("config.alloy", alloyConfig(input))] : []),
  ];
}
