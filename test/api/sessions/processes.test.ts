import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sessionTag, sessionTaskId } from "../../../worker/src/core/session-token.ts";
import { quietPort } from "../../support/quiet-port.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";
import { cutClients, SessionClient } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../../worker/src/main.ts", import.meta.url));
const HANDLERS = fileURLToPath(new URL("../../support/fleet-handlers", import.meta.url));
const KEY = ["a", "key", "of", "the", "test"].join("-");

describe("sessions of a fleet without a record, in processes of their own", function () {
  this.timeout(180_000);
  let redis: TestRedis;
  let folder: string;
  const children: ChildProcess[] = [];

  const run = (role: string, environment: Record<string, string> = {}): ChildProcess => {
    const env = {
      ...{ PATH: process.env.PATH, HOME: folder, REDIS_URL: redis.url, TASKFLEET_HANDLERS: HANDLERS },
      ...{ TASKFLEET_API_KEY: KEY, TASKFLEET_RETRY_BASE: "0.05", ...environment },
    };
    const child = spawn(process.execPath, [MAIN, role], { cwd: folder, env, stdio: "ignore" });
    children.push(child);
    return child;
  };
  /** A replica of the API, once it answers. */
  const replica = async () => {
    const port = await quietPort();
    const base = `http://127.0.0.1:${port}`;
    const child = run("api", { TASKFLEET_API_PORT: String(port) });
    await waitFor("the API", async () => (await fetch(`${base}/health/live`).catch(() => null))?.ok === true);
    return { base, child };
  };

  before(async () => {
    redis = await startRedis();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-sessions-"));
  });
  after(async () => {
    cutClients();
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("goes on at another replica when its own is killed in the middle of a task", async () => {
    run("spawner");
    run("worker");
    const [one, other] = [await replica(), await replica()];
    const gate = join(folder, "gate");
    const first = await SessionClient.open(one, { key: KEY });
    const id = (ref: string) => sessionTaskId(sessionTag(first.token), ref);
    await waitFor("the kinds", async () => {
      const { type } = await first.push(`probe-${first.messages.length}`, {
        kind: "coin",
        payload: { failures: 0 },
      });
      return type === "pushed";
    });
    const probe = await first.next(({ type, state }) => type === "event" && state === "succeeded");
    const before = first.states.length;
    assert.deepEqual(first.states, [
      `${probe.id} queued`,
      `${probe.id} running 1`,
      `${probe.id} succeeded 1`,
    ]);
    await first.push("long", { kind: "gate", payload: { file: gate } });
    await first.told(before + 2);
    one.child.kill("SIGKILL");
    assert.equal((await first.closed)[0], 1006);
    const second = await SessionClient.resume(other, first.token, first.cursor, { key: KEY });
    await second.next("session");
    writeFileSync(gate, "");
    await second.told(1);
    const end = second.events[0] as { result?: { output: unknown } };
    assert.equal(end.result?.output, "through");
    assert.deepEqual(
      [...first.states, ...second.states].slice(before),
      ["queued", "running 1", "succeeded 1"].map((state) => `${id("long")} ${state}`),
    );
    const steps = join(folder, "step");
    await second.push("steps", { kind: "steps", payload: { file: steps } });
    for (const done of [0, 0.5]) {
      await second.next(
        ({ id: of, state, done: now }) => of === id("steps") && state === "progress" && now === done,
      );
      writeFileSync(`${steps}-${done}`, "");
    }
    await second.told(4);
    await second.push("coin", { kind: "coin", payload: { failures: 2 } });
    assert.deepEqual(
      (await second.told(11)).slice(4),
      ["queued", "running 1", "retrying 1", "running 2", "retrying 2", "running 3", "succeeded 3"].map(
        (state) => `${id("coin")} ${state}`,
      ),
    );
    other.child.kill("SIGTERM");
    assert.equal((await second.closed)[0], 1012);
    assert.deepEqual(await once(other.child, "exit"), [0, null]);
  });
});
