import assert from "node:assert/strict";
import { createLogger } from "../../worker/src/logging/logger.ts";
import { FailureLog } from "../../worker/src/spawner/failure-log.ts";

describe("spawner: failures that repeat", () => {
  it("logs the first, then one a minute, then the end; and counts all", async () => {
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const logger = await createLogger({ name: "spawner", json: true, level: "info", destination });
    let nowMs = 0;
    const failures = new FailureLog(logger, () => nowMs);
    failures.succeeded("sweep");
    for (nowMs = 0; nowMs <= 60_000; nowMs += 500) failures.failed("sweep", new Error("no Redis"));
    failures.failed("lease", new Error("another loop"));
    failures.succeeded("sweep");
    failures.succeeded("sweep");
    const told = lines.map(({ message, loop, failures: count }) => [message, loop, count]);
    assert.deepEqual(told, [
      ["spawner_loop_failed", "sweep", 1],
      ["spawner_loop_failed", "sweep", 121],
      ["spawner_loop_failed", "lease", 1],
      ["spawner_loop_recovered", "sweep", 121],
    ]);
    assert.match(String(lines[0]?.exception), /no Redis/);
    assert.deepEqual(Object.fromEntries(failures.totals), { sweep: 121, lease: 1 });
  });
});
