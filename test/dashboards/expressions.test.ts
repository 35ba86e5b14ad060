import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { duration, equals, oneOf, series } from "../../dashboards/promql.ts";
import { METRICS } from "../../worker/contract/metrics.ts";
import { legendLabels, spelledOut, takeApart } from "./expressions.ts";

describe("PromQL", () => {
  it("is written from a metric's definition", () => {
    assert.equal(series(METRICS.pending), "queue_pending_total");
    assert.equal(
      series(METRICS.tasks, { status: oneOf("error", "dead"), kind: equals('a"b') }),
      'worker_task_total{status=~"error|dead",kind="a\\"b"}',
    );
  });

  it("has durations in the largest unit that fits", () =>
    assert.deepEqual([90, 60, 600, 3600, 172_800, 0].map(duration), ["90s", "1m", "10m", "1h", "2d", "0s"]));

  it("is taken apart for the proof: no metric or label is overlooked", () => {
    const expr =
      'sum by (kind, le) (rate(worker_runtime_seconds_bucket{kind=~".*",status=~"a|b"}[5m])) / on (service) (max(up) > 0) or absent(x_y{z="1"})';
    assert.deepEqual(takeApart(expr), {
      selectors: [
        {
          metric: "worker_runtime_seconds_bucket",
          matchers: [
            { label: "kind", op: "=~", value: ".*" },
            { label: "status", op: "=~", value: "a|b" },
          ],
        },
        { metric: "up", matchers: [] },
        { metric: "x_y", matchers: [{ label: "z", op: "=", value: "1" }] },
      ],
      grouped: ["kind", "le", "service"],
    });
    assert.throws(() => takeApart("summ(up)"), /unknown word summ in summ\(up\)/);
  });

  it("is asked for each alternative of a matcher", () => {
    const [selector] = takeApart('m_total{a=~"x|y",b!="z"}').selectors;
    assert.ok(selector !== undefined);
    assert.deepEqual(spelledOut(selector), ['m_total{a=~"x",b!="z"}', 'm_total{a=~"y",b!="z"}']);
    assert.deepEqual(legendLabels("{{kind}} ({{stream}})"), ["kind", "stream"]);
  });
});

describe("what up needs of the boards", () => {
  it("is no development dependency: it reads the generated JSON", () => {
    const files = new URL("../../components/platform/observability/files.ts", import.meta.url);
    const program = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(name, context, next) {
        if (name.startsWith("@grafana/")) throw new Error("imports " + name);
        return next(name, context);
      } });
      await import(${JSON.stringify(files.href)});
      console.log("imported");`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    assert.equal(stdout, "imported\n", stderr);
  });
});
