import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { identify } from "../../worker/src/adapters/processes/process-identity.ts";
import { SupervisedWorker } from "../../worker/src/supervisor/supervised-worker.ts";
import { waitFor } from "../support/wait.ts";

describe("a supervisor's worker", () => {
  it("is killed when it does not end in time after a signal", async () => {
    const folder = mkdtempSync(join(tmpdir(), "supervised-"));
    const main = join(folder, "main.mjs");
    const stuck = join(folder, "stuck");
    writeFileSync(
      main,
      `import { writeFileSync } from "node:fs";
       process.on("SIGTERM", () => {});
       writeFileSync(${JSON.stringify(stuck)}, "");
       for (;;);`,
    );
    const worker = new SupervisedWorker({ node: process.execPath, main, env: process.env, patienceMs: 100 });
    const pid = Number(await worker.pid);
    try {
      await waitFor("the loop", () => existsSync(stuck));
      worker.signal("SIGTERM");
      await waitFor("the worker's end", () => identify(pid) === null);
      assert.equal(await worker.ended(), "signal");
    } finally {
      if (identify(pid) !== null) process.kill(pid, "SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});
