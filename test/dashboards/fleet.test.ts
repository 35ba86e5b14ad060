import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import { alertmanagerConfig } from "../../components/platform/observability/alertmanager.ts";
import { prometheusConfig, steadyServices } from "../../components/platform/observability/prometheus.ts";
import { ALERT_LIMITS, type AlertName, type AlertOverrides } from "../../dashboards/alert-limits.ts";
import { alertRules } from "../../dashboards/alerts.ts";
import { costBoard } from "../../dashboards/boards/cost.ts";
import { mainBoard } from "../../dashboards/boards/main.ts";
import type { PanelTarget } from "../../dashboards/panel.ts";
import { rulesFile } from "../../dashboards/rules.ts";
import { gatherAlerts } from "../../worker/src/doctor/gather-alerts.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";
import { legendLabels, spelledOut, takeApart } from "./expressions.ts";
import { startAlertmanager, TestPrometheus, type Watcher } from "./prometheus.ts";
import { needPrograms } from "./promtool.ts";
import { startReceiver, type Targets, WatchedFleet } from "./watched-fleet.ts";

const SERVICES = {
  spawners: ["spawner"],
  workers: ["worker"],
  api: true,
  watchQueue: true,
  backup: true,
  redisExporter: true,
};
const RULES = alertRules({ services: steadyServices({ services: SERVICES }) });
const RUNBOOKS = "https://runbooks.example";
/** Fires at once while the load's tasks wait. */
const DELIVERED: AlertOverrides = { QueueDepthHigh: { limit: 0, for: 0 } };

/** What a target of a panel asks when Grafana has filled in its variables. */
function filledIn({ expr }: PanelTarget): string {
  return expr
    .replaceAll("$__rate_interval", "10s")
    .replaceAll("$__range", "5m")
    .replaceAll(/\$(stream|kind)\b/g, ".*");
}

const PANELS = [mainBoard, costBoard].flatMap(({ title, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) => panel.targets.map((target) => ({ name: `${title}, ${panel.title}`, target }))),
  ),
);

/** What Alertmanager posts. */
interface Delivery {
  readonly status: string;
  readonly alerts: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly honor_labels?: boolean;
}

/** The stack's configuration, but for where targets are, here on ports of one machine, and how often they are asked. */
function configOf(targets: Targets, alertmanager: string): string {
  const input = {
    fleet: "watched",
    services: SERVICES,
    receiver: { kind: "none" } as const,
    grafana: false,
    logs: false,
  };
  const config = parse(prometheusConfig(input)) as { scrape_configs: readonly ScrapeConfig[] };
  const jobs = config.scrape_configs.filter(({ job_name }) => job_name in targets);
  assert.deepEqual(jobs.map(({ job_name }) => job_name).sort(), Object.keys(targets).sort());
  return stringify({
    ...config,
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: ["rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: jobs.map(({ job_name, honor_labels }) => ({
      job_name,
      honor_labels,
      static_configs: [{ targets: targets[job_name], labels: { service: job_name } }],
    })),
  });
}

/** The stack's configuration, but for the time that alerts are collected for. */
function promptConfig(url: string): string {
  return alertmanagerConfig({ receiver: { kind: "webhook", url } }).replaceAll(
    /group_wait: \w+/g,
    "group_wait: 0s",
  );
}

/** Limits that everything is beyond. */
function beyondAll(): AlertOverrides {
  const names = Object.keys(ALERT_LIMITS) as AlertName[];
  return Object.fromEntries(
    names.map((name) => [name, { limit: ALERT_LIMITS[name].side === "above" ? -1 : 1_000_000 }]),
  );
}

describe("boards and alerts on a real fleet (no Grafana, Loki or shipper here: their images are on no package registry)", function () {
  this.timeout(180_000);
  needPrograms(["prometheus", "prometheus-alertmanager", "prometheus-redis-exporter"]);
  let fleet: WatchedFleet;
  let prometheus: TestPrometheus;
  let alertmanager: Watcher;
  let receiver: Awaited<ReturnType<typeof startReceiver>>;

  before(async () => {
    receiver = await startReceiver();
    [fleet, alertmanager] = await Promise.all([
      WatchedFleet.start(),
      startAlertmanager(promptConfig(receiver.url)),
    ]);
    const rules = alertRules({ services: steadyServices({ services: SERVICES }), limits: DELIVERED });
    // Rules are evaluated as often as targets are asked.
    const file = rulesFile(rules, RUNBOOKS).replace("interval: 15s", "interval: 1s");
    prometheus = await TestPrometheus.start(configOf(fleet.targets, alertmanager.address), file);
    await waitFor("every target to be reached", async () => {
      const ups = await prometheus.range("up == 1");
      return ups.length === Object.values(fleet.targets).flat().length;
    });
    await fleet.load();
    // A counter that is first seen with its last value has no rate: what ended is to be seen, and then more of it.
    for (const ended of ["success", "error", "dead"])
      await waitFor(`attempts of status ${ended} in the scrape`, async () => {
        return (await prometheus.range(`worker_task_total{status="${ended}"}`)).length > 0;
      });
    await fleet.load();
    fleet.drain();
    const { queue } = fleet.fleet;
    await waitFor("the queue to be drained", async () => (await queue.redis.xlen(queue.stream)) === 0);
  });

  after(async () => {
    await prometheus?.watcher.stop();
    await alertmanager?.stop();
    await fleet?.close();
    receiver?.stop();
  });

  for (const { name, target } of PANELS)
    it(`${name}: ${target.legend} has values, with the labels of its legend`, async () => {
      const found = await waitFor(
        `values of ${filledIn(target)}`,
        async () => {
          const series = await prometheus.range(filledIn(target));
          return series.length > 0 ? series : null;
        },
        { everyMs: 500 },
      );
      for (const { metric } of found)
        for (const label of legendLabels(target.legend))
          assert.ok(label in metric, `no ${label} in ${JSON.stringify(metric)}`);
    });

  const expressions = new Set([
    ...PANELS.map(({ target }) => filledIn(target)),
    ...RULES.map(({ expr }) => expr),
  ]);
  for (const expr of expressions)
    it(`every metric, label and value is in the scrape: ${expr}`, async () => {
      const { selectors, grouped } = takeApart(expr);
      assert.ok(selectors.length > 0);
      const labels = new Set<string>();
      for (const selector of selectors.flatMap(spelledOut)) {
        const found = await prometheus.series(selector);
        assert.ok(found.length > 0, `nothing is ${selector}`);
        for (const label of found.flatMap(Object.keys)) labels.add(label);
      }
      for (const label of grouped) assert.ok(labels.has(label), `no series has ${label}`);
    });

  for (const { name, expr } of alertRules({
    services: steadyServices({ services: SERVICES }),
    limits: beyondAll(),
  }))
    it(`${name} fires where its limit is low enough: ${expr}`, async () => {
      await waitFor(`values of ${expr}`, async () => (await prometheus.range(expr)).length > 0, {
        everyMs: 500,
      });
    });

  it("Prometheus evaluates every rule without an error", async () => {
    const rules = await waitFor("every rule to be evaluated", async () => {
      const found = await prometheus.rules();
      return found.every(({ health }) => health !== "unknown") ? found : null;
    });
    assert.deepEqual(
      rules.map(({ name, health, lastError }) => [name, health, lastError ?? ""]),
      RULES.map(({ name }) => [name, "ok", ""]),
    );
  });

  it("doctor reads the rules, what fires and whom Prometheus tells", async () => {
    const address = `http://${prometheus.watcher.address}`;
    const found = await gatherAlerts(`${address}/`);
    assert.ok(!("unknown" in found));
    assert.deepEqual([found.address, found.fault, found.receivers], [address, null, 1]);
    assert.deepEqual(
      found.rules.map(({ name, error }) => [name, error]),
      RULES.map(({ name }) => [name, null]),
    );
    const other = await gatherAlerts(`http://${fleet.targets["redis-exporter"]?.[0]}`);
    assert.ok(
      "fault" in other && /^(answers 404|does not answer as Prometheus does)$/.test(other.fault ?? ""),
    );
    const none = await gatherAlerts(`http://127.0.0.1:${await quietPort()}`);
    assert.equal("fault" in none && none.fault, "ECONNREFUSED");
  });

  it("Alertmanager delivers an alert to the webhook, with its page", async () => {
    await waitFor("a delivery", () => receiver.received.length > 0);
    const [told] = receiver.received as readonly Delivery[];
    assert.equal(told?.status, "firing");
    const [alert] = told?.alerts ?? [];
    assert.deepEqual(alert?.labels, {
      alertname: "QueueDepthHigh",
      severity: "critical",
      stream: "peagen.tasks",
    });
    assert.equal(alert?.annotations.runbook_url, "https://runbooks.example/QueueDepthHigh.md");
  });
});
