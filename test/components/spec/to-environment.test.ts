import assert from "node:assert/strict";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import {
  classSettings,
  secretFileVariable,
  toEnvironment,
  withResultDirectory,
} from "../../../components/spec/to-environment.ts";
import { SETTINGS } from "../../../worker/contract/settings.ts";

describe("the spec as environment", () => {
  it("names every variable as the worker's contract does, in the order of the names", () => {
    const values = {
      lease: 6,
      concurrency: 8,
      logJson: false,
      streams: ["a", "b"],
      pollInterval: 0.25,
    } as const;
    assert.deepEqual(Object.entries(toEnvironment(values)), [
      ["LOG_JSON", "false"],
      ["TASKFLEET_LEASE", "6"],
      ["TASKFLEET_QUEUE_NAME", "a,b"],
      ["WORKER_CONCURRENCY", "8"],
      ["WORKER_POLL_INTERVAL", "0.25"],
    ]);
  });

  it("hands limits of kinds to workers and spawners, and says nothing where there are none", () => {
    const spec = { limits: { llm: { concurrency: 4, rate: { tasks: 100, per: 60 } } } };
    const fleet = resolveFleet(spec, "local");
    const variableOf = (role: "worker" | "spawner" | "cli", of = fleet) =>
      toEnvironment(classSettings(of, of.classes[0], role)).TASKFLEET_KIND_LIMITS;
    assert.deepEqual(
      [variableOf("worker"), variableOf("spawner")],
      ["llm=4,llm=100/60s", "llm=4,llm=100/60s"],
    );
    assert.deepEqual(
      [variableOf("cli"), variableOf("worker", resolveFleet({}, "local"))],
      [undefined, undefined],
    );
  });

  it("says where results are kept, and nothing where that is Redis", () => {
    const of = (delivery: FleetSpec["delivery"], role: "worker" | "spawner" | "api" | "cli") => {
      const fleet = withResultDirectory(resolveFleet({ delivery }, "local"), "/own/results");
      const { resultBackEnd, resultDirectory } = classSettings(fleet, fleet.classes[0], role);
      return [resultBackEnd, resultDirectory];
    };
    assert.deepEqual(of({}, "worker"), [undefined, undefined]);
    assert.deepEqual(of({ results: "fs" }, "worker"), ["fs", "/own/results"]);
    for (const role of ["spawner", "api", "cli"] as const)
      assert.deepEqual(of({ results: "fs" }, role), [undefined, "/own/results"]);
    assert.deepEqual(of({ results: "fs", resultDirectory: "/mnt/r" }, "worker"), ["fs", "/mnt/r"]);
    assert.deepEqual(of({ resultDirectory: "/mnt/r" }, "worker"), [undefined, "/mnt/r"]);
    assert.throws(
      () => of({ resultDirectory: "results" }, "cli"),
      /delivery\.resultDirectory: got "results"; allowed: an absolute path/,
    );
  });

  it("hands no secret over", () => {
    assert.throws(() => toEnvironment({ redisPassword: "x" }), /REDIS_PASSWORD is a secret/);
    assert.equal(secretFileVariable("redisPassword"), "REDIS_PASSWORD_FILE");
  });

  it("gives each role what it reads, and no more", () => {
    const fleet = resolveFleet({ delivery: { maxPayload: 4096 }, circuit: { open: "2 min" } }, "local");
    for (const role of ["worker", "spawner", "cli"] as const) {
      const names = Object.keys(classSettings(fleet, fleet.classes[0], role)) as (keyof typeof SETTINGS)[];
      assert.deepEqual(
        names.filter((name) => !(SETTINGS[name].roles as readonly string[]).includes(role)),
        [],
      );
    }
    const worker = classSettings(fleet, fleet.classes[0], "worker");
    assert.deepEqual([worker.maxPayloadBytes, worker.lease, worker.scaleMax], [4096, 6, undefined]);
    assert.equal(toEnvironment({ httpAllow: ["a", "[::1]:80"] }).TASKFLEET_HTTP_ALLOW, "a,[::1]:80");
    assert.deepEqual([worker.circuitFailures, worker.circuitOpen], [5, 120]);
    assert.equal(classSettings(fleet, fleet.classes[0], "spawner").scaleMax, 32);
  });

  it("leaves every value within the bounds of its setting", () => {
    const fleet = resolveFleet({}, "local");
    const values = {
      ...classSettings(fleet, fleet.classes[0], "worker"),
      ...classSettings(fleet, fleet.classes[0], "spawner"),
    };
    for (const [name, value] of Object.entries(values)) {
      const setting = SETTINGS[name as keyof typeof SETTINGS];
      if (setting.type !== "number" && setting.type !== "integer") continue;
      assert.ok(Number(value) >= setting.min && Number(value) <= setting.max, name);
    }
  });
});
