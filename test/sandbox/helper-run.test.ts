import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HelperRun } from "../../worker/src/adapters/sandbox/helper-run.ts";
import type { HelperPolicy } from "../../worker/src/adapters/sandbox/policy.ts";
import { DEFAULT_LIMITS } from "../../worker/src/handlers/execute/payload-limits.ts";

describe("a run of the sandbox's helper", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-helper-run-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A helper that says this on its control channel, and ends. */
  function helperThatSays(text: string): string {
    const file = join(folder, "helper");
    writeFileSync(file, `#!/bin/sh\nprintf '%s' '${text}' >&3\n`);
    chmodSync(file, 0o755);
    return file;
  }

  it("that is cut off in the middle of a word fails that program, not the worker", async () => {
    const program = {
      command: ["true"] as const,
      stdin: Buffer.alloc(0),
      environment: {},
      limits: DEFAULT_LIMITS,
      signal: new AbortController().signal,
    };
    const helper = helperThatSays('{"event":"ended","exitCo');
    const run = new HelperRun(helper, {} as HelperPolicy, program as never);
    await assert.rejects(run.end(), /helper/);
  });
});
