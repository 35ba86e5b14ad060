import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { stringify } from "yaml";
import { ALERT_LIMITS, type AlertName, limitText } from "../../dashboards/alert-limits.ts";
import { type AlertRule, alertRules } from "../../dashboards/alerts.ts";
import { RUNBOOK_PANELS } from "../../dashboards/boards/runbook-panels.ts";
import { rulesFile } from "../../dashboards/rules.ts";
import { BOUNDARY_CASES, type BoundaryCase, SAMPLE_SECONDS, type Series } from "./alert-cases.ts";
import { needPrograms, runTool } from "./promtool.ts";

const PAGES = new URL("../../docs/runbooks/", import.meta.url);
const NAMES = Object.keys(ALERT_LIMITS) as AlertName[];
const RULES = alertRules({ services: ["spawner"] });
const RUNBOOKS = "https://runbooks.example";
/** Every case has samples for longer than this. */
const END_SECONDS = 4_500;

function rule(name: AlertName): AlertRule {
  const found = RULES.find((one) => one.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

interface Firing {
  readonly seconds: number;
  readonly alerts: readonly object[];
}

/** A test of promtool's: these series, and what fires at each of these times. */
function unitTest(alert: AlertName, series: Series, firings: readonly Firing[]) {
  return {
    interval: `${SAMPLE_SECONDS}s`,
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: firings.map(({ seconds, alerts }) => ({
      eval_time: `${seconds}s`,
      alertname: alert,
      exp_alerts: alerts,
    })),
  };
}

const silent = (seconds: number): Firing => ({ seconds, alerts: [] });

/** With the rule of that alert alone: others take time. */
function runUnitTests(alert: AlertName, tests: readonly object[]) {
  return runTool("promtool", ["test", "rules", "tests.yml"], {
    "rules.yml": rulesFile([rule(alert)], RUNBOOKS),
    "tests.yml": stringify({ rule_files: ["rules.yml"], evaluation_interval: `${SAMPLE_SECONDS}s`, tests }),
  });
}

function firing({ alert, labels, summary }: BoundaryCase) {
  const { severity, description } = rule(alert);
  return {
    exp_labels: { severity, ...labels },
    exp_annotations: { summary, description, runbook_url: `${RUNBOOKS}/${alert}.md` },
  };
}

describe("alert rules", () => {
  needPrograms(["promtool"]);

  it("are what Prometheus takes for rules", () => {
    const { ok, output } = runTool("promtool", ["check", "rules", "rules.yml"], {
      "rules.yml": rulesFile(RULES),
    });
    assert.ok(ok, output);
    assert.match(output, new RegExp(`${NAMES.length} rules found`));
  });

  it("are those that the sources ask for, with their limits", () => {
    const limits = NAMES.map((name) => `${name}: ${limitText(ALERT_LIMITS[name])}`);
    assert.deepEqual(limits, [
      "QueuePendingHigh: above 50 tasks, for 10 min",
      "RunsQueuedHigh: above 100 tasks, for 5 min",
      "QueueDepthHigh: above 1000 tasks, for 5 min",
      "HandlerFailuresHigh: above 10 % in 5 min",
      "TaskErrorRateHigh: above 5 % in 5 min, for 5 min",
      "TaskDurationHigh: above 5 min in 15 min, for 5 min",
      "RunDurationP99High: above 5 min in 15 min, for 5 min",
      "WorkerExitsWithError: above 5 exits in 10 min",
      "WorkerErrorsHigh: above 10 errors in 1 min",
      "WorkersTooFew: below 2 workers, for 5 min",
      "RedisKeyMemoryHigh: above 500 MB, for 5 min",
      "RedisMemoryHigh: above 80 %, for 5 min",
      "ResultBackendFailing: above 0 results in 10 min",
      "RecordGap: above 0 changes in 10 min",
      "RecordLagHigh: above 5 min, for 5 min",
      "BackupTooOld: above 2 d, for 60 min",
      "NoLeader: below 1 spawner, for 2 min",
      "QueuePaused: above 0 queues, for 30 min",
      "ScrapeTargetDown: below 1 target, for 5 min",
    ]);
  });

  it("take other limits, each for itself", () => {
    const changed = alertRules({ services: ["spawner"], limits: { QueueDepthHigh: { limit: 7, for: 60 } } });
    const different = changed.filter((one, index) => one.expr !== RULES[index]?.expr);
    assert.deepEqual(
      different.map(({ name, expr, limit }) => [name, expr, limit.for]),
      [["QueueDepthHigh", "max by (stream) (redis_queue_pending) > 7", 60]],
    );
  });

  it("advise nobody to shorten a stream by its length, which deletes queued tasks", () => {
    const pages = readdirSync(PAGES).map((file) => readFileSync(new URL(file, PAGES), "utf8"));
    for (const text of [rulesFile(RULES), ...pages]) assert.doesNotMatch(text, /MAXLEN/i);
  });
});

describe("each alert", () => {
  for (const name of NAMES) {
    it(`${name} has a page with its limit, what to look at and what to do`, () => {
      const page = readFileSync(new URL(`${name}.md`, PAGES), "utf8");
      const [title, , fires] = page.split("\n");
      assert.equal(title, `# ${name}`);
      assert.equal(fires, `Fires: ${limitText(ALERT_LIMITS[name])}.`);
      assert.deepEqual(page.match(/^## .*$/gm), ["## What it means", "## Look", "## Do"]);
      assert.ok(RUNBOOK_PANELS[name] > 0);
    });

    it(`${name} is tested at its limit and beyond it`, () => {
      assert.ok(BOUNDARY_CASES.some(({ alert }) => alert === name));
    });
  }

  it("stands in the docs' table with its limit", () => {
    const page = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
    const rows = page.match(/^\| \[\w+\]\(runbooks\/.*$/gm);
    assert.deepEqual(
      rows,
      RULES.map(
        ({ name, limit, severity }) =>
          `| [${name}](runbooks/${name}.md) | ${limitText(limit)} | ${severity} |`,
      ),
    );
  });

  it("has a page, and no page is left without one", () => {
    assert.deepEqual(readdirSync(PAGES).sort(), NAMES.map((name) => `${name}.md`).sort());
  });
});

describe("under promtool", () => {
  needPrograms(["promtool"]);

  for (const one of BOUNDARY_CASES) {
    const { alert, what, at, beyond, holdsFrom } = one;
    const fires = holdsFrom + rule(alert).limit.for;
    const before = fires - SAMPLE_SECONDS;
    it(`${alert} ${what ?? "is silent at its limit and fires beyond it, for as long as it says"}`, () => {
      const { ok, output } = runUnitTests(alert, [
        unitTest(alert, at, [silent(0), silent(fires), silent(END_SECONDS)]),
        unitTest(alert, beyond, [
          ...(before < 0 ? [] : [silent(before)]),
          { seconds: fires, alerts: [firing(one)] },
        ]),
      ]);
      assert.ok(ok, output);
    });
  }

  it("a test that expects another alert fails: promtool compares", () => {
    const [one] = BOUNDARY_CASES;
    assert.ok(one !== undefined);
    const { ok } = runUnitTests(one.alert, [
      unitTest(one.alert, one.at, [{ seconds: 900, alerts: [firing(one)] }]),
    ]);
    assert.equal(ok, false);
  });
});
