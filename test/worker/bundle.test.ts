import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBundle } from "../../worker/build.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "./support/fleet.ts";

describe("the bundled worker", () => {
  let server: TestRedis;
  let fleet: TestFleet;
  let folder: string;
  before(async () => {
    server = await startRedis();
    fleet = new TestFleet(server);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-bundle-"));
  });
  after(async () => {
    await fleet.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("runs programs, handlers in TypeScript and threads, and says why it ends", async () => {
    const { directory } = await buildBundle({ outDir: folder });
    const supervisor = fleet.worker({}, "supervise", join(directory, "main.mjs"));
    const program = await fleet.push("execute", { command: ["echo", "hello"] });
    const handler = await fleet.push("third-time");
    const thread = await fleet.push("which-thread");
    const spin = await fleet.push("spin", {}, { timeoutMs: 500, maxAttempts: 1 });
    assert.equal(((await fleet.result(program)).output as { stdout: string }).stdout, "hello\n");
    assert.equal((await fleet.result(handler)).output, 3);
    assert.ok(((await fleet.result(thread)).output as { threadId: number }).threadId > 0);
    assert.equal((await fleet.letter(spin)).errors[0]?.reason, "timeout");
    supervisor.signal("SIGTERM");
    assert.equal(await supervisor.ended(), 0);
    assert.equal(await fleet.stat("exit:signal"), "1");
  });
});
