import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isRunning, parseProcessStat } from "../../worker/contract/process-stat.ts";
import { identify, isAlive, signalProcess } from "../../worker/src/adapters/processes/process-identity.ts";

const FIELDS = `S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 11 0 998877 1 2 3`;

describe("process identity", () => {
  it("reads pid, state and start time, whatever the program is called", () => {
    const wanted = { pid: 4711, state: "S", threads: 11, start: 998877 };
    assert.deepEqual(parseProcessStat(`4711 (node) ${FIELDS}\n`), wanted);
    assert.deepEqual(parseProcessStat(`4711 (a) R 9 (b c)) ${FIELDS}`), wanted);
  });

  it("refuses what is no such line", () => {
    for (const line of ["", "4711", "4711 (node) S 1 2", `x (node) ${FIELDS}`])
      assert.equal(parseProcessStat(line), null, line);
  });

  it("takes a zombie for dead and a stopped process for alive", () => {
    const alive = (state: string) => isRunning({ pid: 1, start: 1, threads: 1, state });
    assert.deepEqual(["R", "S", "D", "T", "t", "Z", "X"].map(alive), [
      true,
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("takes a zombie for alive while other threads of it hold its sockets", () => {
    assert.equal(isRunning({ pid: 1, start: 1, threads: 2, state: "Z" }), true);
  });

  it("knows a live process from one that only has its pid", async () => {
    const child = spawn("sleep", ["1000"]);
    await once(child, "spawn");
    const self = identify(child.pid ?? 0);
    assert.ok(self !== null);
    assert.equal(isAlive(self), true);
    const older = { ...self, start: self.start - 1 };
    assert.equal(isAlive(older), false);
    assert.equal(signalProcess(older, "SIGKILL"), false);
    assert.equal(signalProcess(self, "SIGKILL"), true);
    assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
    assert.equal(isAlive(self), false);
    assert.equal(identify(self.pid), null);
    assert.equal(signalProcess(self, "SIGTERM"), false);
  });
});
