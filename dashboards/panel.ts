/** A panel as plain data, and as Grafana wants it. */
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";
import type { AlertName } from "./alert-limits.ts";
import { RUNBOOK_PANELS, runbookPanelUrl } from "./boards/runbook-panels.ts";
import type { ExpectedRange } from "./expected.ts";

/** Grafana's ids of units. */
export type Unit = "short" | "s" | "dtdurations" | "percentunit" | "decbytes" | "ops" | "bool_on_off";

export interface PanelTarget {
  readonly expr: string;
  /** As `{{kind}}`. */
  readonly legend: string;
}

export interface PanelSpec {
  /** Never changes, and is never given to another panel: links point at it. */
  readonly id: number;
  readonly title: string;
  /** What it shows and what to make of it. */
  readonly description: string;
  readonly unit: Unit;
  /** `lines`, `bars` and `stack` over time; `number`: the value of now. */
  readonly view: "lines" | "bars" | "stack" | "number";
  readonly targets: readonly PanelTarget[];
  /** Drawn as a green band. */
  readonly expected?: ExpectedRange;
  /** Its pages are linked. */
  readonly alerts?: readonly AlertName[];
  /** Of Grafana's 24 columns; default 8. */
  readonly width?: number;
}

export const DATA_SOURCE = { type: "prometheus", uid: "$datasource" } as const;
const GREEN = "green";
const HEIGHT = 8;
const WIDTH = 8;

/** Outside the range no colour. */
function band({ from, to }: ExpectedRange): Builder<dashboard.ThresholdsConfig> {
  const below = { value: null as unknown as number, color: from > 0 ? "transparent" : GREEN };
  const steps = [
    below,
    ...(from > 0 ? [{ value: from, color: GREEN }] : []),
    { value: to, color: "transparent" },
  ];
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

const noBand = () =>
  new dashboard.ThresholdsConfigBuilder()
    .mode(dashboard.ThresholdsMode.Absolute)
    .steps([{ value: null as unknown as number, color: "text" }]);

const REF_IDS = "ABCDEFGH";

function target({ expr, legend }: PanelTarget, index: number, isInstant: boolean) {
  const query = new DataqueryBuilder()
    .datasource(DATA_SOURCE)
    .refId(REF_IDS.charAt(index))
    .expr(expr)
    .legendFormat(legend);
  return isInstant ? query.instant() : query.range();
}

const runbookLink = (alert: AlertName) =>
  new dashboard.DashboardLinkBuilder(`Runbook: ${alert}`)
    .type(dashboard.DashboardLinkType.Link)
    .url(runbookPanelUrl(RUNBOOK_PANELS[alert]))
    .targetBlank(true);

/** What every sort of panel has. */
function described<Panel extends stat.PanelBuilder | timeseries.PanelBuilder>(panel: Panel, spec: PanelSpec) {
  const isInstant = spec.view === "number";
  return panel
    .id(spec.id)
    .title(spec.title)
    .description(spec.description)
    .datasource(DATA_SOURCE)
    .unit(spec.unit)
    .height(HEIGHT)
    .span(spec.width ?? WIDTH)
    .links((spec.alerts ?? []).map(runbookLink))
    .targets(spec.targets.map((one, index) => target(one, index, isInstant)));
}

function numberPanel(spec: PanelSpec): Builder<dashboard.Panel> {
  const { expected } = spec;
  const number = new stat.PanelBuilder()
    .thresholds(expected === undefined ? noBand() : band(expected))
    .colorMode(expected === undefined ? common.BigValueColorMode.None : common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None);
  return described(number, spec);
}

function seriesPanel(spec: PanelSpec): Builder<dashboard.Panel> {
  const { expected, view } = spec;
  const style = new common.GraphThresholdsStyleConfigBuilder().mode(
    expected === undefined ? common.GraphThresholdsStyleMode.Off : common.GraphThresholdsStyleMode.Area,
  );
  const series = new timeseries.PanelBuilder()
    .thresholds(expected === undefined ? noBand() : band(expected))
    .thresholdsStyle(style)
    .drawStyle(view === "bars" ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line)
    .stacking(
      new common.StackingConfigBuilder().mode(
        view === "lines" ? common.StackingMode.None : common.StackingMode.Normal,
      ),
    )
    .fillOpacity(view === "lines" ? 0 : 60)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    );
  return described(series, spec);
}

export function panel(spec: PanelSpec): Builder<dashboard.Panel> {
  return spec.view === "number" ? numberPanel(spec) : seriesPanel(spec);
}
