import { stringify } from "yaml";
import type { ProjectFile } from "../project-file.ts";
import { boards } from "./boards.ts";
import type { ObservabilityInput } from "./input.ts";
import { DATA_SOURCES, FOLDER, PATHS, PORTS } from "./names.ts";

const MODE = "0444";

function dataSources({ logs }: ObservabilityInput) {
  const prometheus = {
    name: "Prometheus",
    uid: DATA_SOURCES.prometheus,
    type: "prometheus",
    access: "proxy",
    url: `http://prometheus:${PORTS.prometheus}`,
    isDefault: true,
    editable: false,
    jsonData: { timeInterval: "15s", httpMethod: "POST" },
  };
  const alertmanager = {
    name: "Alertmanager",
    uid: "taskfleet-alertmanager",
    type: "alertmanager",
    access: "proxy",
    url: `http://alertmanager:${PORTS.alertmanager}`,
    editable: false,
    jsonData: { implementation: "prometheus" },
  };
  const loki = {
    name: "Loki",
    uid: DATA_SOURCES.loki,
    type: "loki",
    access: "proxy",
    url: `http://loki:${PORTS.loki}`,
    editable: false,
  };
  return { apiVersion: 1, datasources: [prometheus, alertmanager, ...(logs ? [loki] : [])] };
}

const PROVIDER = {
  apiVersion: 1,
  providers: [
    {
      name: "taskfleet",
      folder: "taskfleet",
      folderUid: "taskfleet",
      type: "file",
      // What is changed in the browser would be lost at the next start: Grafana saves a copy instead.
      allowUiUpdates: false,
      disableDeletion: true,
      options: { path: PATHS.boards },
    },
  ],
};

/** Provisioning of Grafana: where data come from, and the boards. */
export function grafanaFiles(input: ObservabilityInput): readonly ProjectFile[] {
  const provisioning = `${FOLDER}/grafana/provisioning`;
  const yaml = (path: string, content: object): ProjectFile => ({
    path: `${provisioning}/${path}`,
    content: stringify(content, { lineWidth: 0 }),
    mode: MODE,
  });
  return [
    yaml("datasources/taskfleet.yaml", dataSources(input)),
    yaml("dashboards/taskfleet.yaml", PROVIDER),
    ...boards.map(({ file, content }) => ({
      path: `${FOLDER}/grafana/boards/${file}`,
      content,
      mode: MODE,
    })),
  ];
}
