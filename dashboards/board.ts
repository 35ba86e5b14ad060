/** A board as plain data, and as Grafana wants it. */
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { METRICS } from "../worker/contract/metrics.ts";
import { RUNBOOKS_UID } from "./boards/runbook-panels.ts";
import { DATA_SOURCE, type PanelSpec, panel } from "./panel.ts";
import { type Label, series } from "./promql.ts";

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

export interface BoardSpec {
  /** Never changes: it is the board's address. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly rows: readonly RowSpec[];
}

/** Values of one label, chosen by the reader. */
function variable(name: "stream" | "kind", label: string) {
  const values = `label_values(${series(METRICS.pending)}, ${name satisfies Label})`;
  return new dashboard.QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query({ query: values, refId: name, qryType: 1 })
    .definition(values)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ selected: true, text: "All", value: "$__all" });
}

const dataSource = () =>
  new dashboard.DatasourceVariableBuilder("datasource").label("Data source").type("prometheus");

const link = (title: string, url: string) =>
  new dashboard.DashboardLinkBuilder(title)
    .type(dashboard.DashboardLinkType.Link)
    .url(url)
    .icon("doc")
    .keepTime(true);

/** All boards, and the pages about alerts. */
export const LINKS = [
  ["Main", "/d/taskfleet-main"],
  ["Cost", "/d/taskfleet-cost"],
  ["Runbooks", `/d/${RUNBOOKS_UID}`],
] as const;

export function board(spec: BoardSpec): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(["taskfleet"])
    .readonly()
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .time({ from: spec.from, to: "now" })
    .timezone("browser")
    .refresh("30s")
    .variables([dataSource(), variable("stream", "Stream"), variable("kind", "Kind")])
    .links(LINKS.map(([title, url]) => link(title, url)));
  for (const [index, row] of spec.rows.entries()) {
    builder.withRow(new dashboard.RowBuilder(row.title).id(ROW_IDS + index));
    for (const one of row.panels) builder.withPanel(panel(one));
  }
  return builder.build();
}

/** Rows have ids beyond those of panels. */
const ROW_IDS = 1000;
