import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { type TestFleet, withFleetInFolder } from "../worker/support/fleet.ts";
import type { WorkerProcess } from "../worker/support/worker-process.ts";

const TASKS = 40;
const LEASE_MS = 3_000;
const USER = "fleet";

describe("the password of Redis", function () {
  this.timeout(90_000);
  let server: TestRedis;
  let fleet: TestFleet;
  let folder: string;
  let sweep: NodeJS.Timeout;
  withFleetInFolder((made) => {
    ({ server, fleet, folder } = made);
  });
  beforeEach(async () => {
    await passwords("resetpass", "on", ">first-pass", "~*", "&*", "+@all");
    // As a spawner does: a connection that ends may take along the answer that hands over tasks.
    const lost = { leaseMs: LEASE_MS, maxDeliveries: 5 };
    sweep = setInterval(() => void fleet.queue.keeper.reclaim(lost).catch(() => {}), 200);
  });
  afterEach(() => clearInterval(sweep));

  /** Of the workers' user; the test's own connections are another's. */
  const passwords = (...rules: readonly string[]) => server.client.call("ACL", "SETUSER", USER, ...rules);
  const dropConnections = () => server.client.call("CLIENT", "KILL", "USER", USER);
  const connections = async () =>
    String(await server.client.call("CLIENT", "LIST")).split(`user=${USER} `).length - 1;

  function passwordFile(text: string): string {
    const path = join(folder, "redis-password");
    writeFileSync(`${path}.next`, `${text}\n`, { mode: 0o600 });
    renameSync(`${path}.next`, path);
    return path;
  }

  function worker(further: Readonly<Record<string, string>>, role?: "worker" | "supervise"): WorkerProcess {
    const url = `redis://${USER}@127.0.0.1:${server.port}`;
    const limits = { TASKFLEET_LEASE: String(LEASE_MS / 1000), WORKER_CONCURRENCY: "4" };
    return fleet.worker({ REDIS_URL: url, ...limits, ...further }, role);
  }

  async function allRun(): Promise<void> {
    const ids = await Promise.all(Array.from({ length: TASKS }, () => fleet.push("sleep", { ms: 5 })));
    const results = await Promise.all(ids.map((id) => fleet.result(id)));
    assert.deepEqual(
      new Set(results.map(({ status, attempts }) => `${status} ${attempts}`)),
      new Set(["success 1"]),
    );
  }

  const told = (one: WorkerProcess) =>
    one.logged("secret_rotated", ({ secret }) => secret === "REDIS_PASSWORD");

  /** Both count for a while, as a rotation is done; then the old one does not, and every connection is made anew. */
  async function rotates(one: WorkerProcess): Promise<void> {
    await one.ready();
    await allRun();
    await passwords(">second-pass");
    passwordFile("second-pass");
    await told(one);
    await passwords("<first-pass");
    const running = allRun();
    await dropConnections();
    await running;
    one.signal("SIGTERM");
    assert.equal(await one.ended(), 0);
    assert.doesNotMatch(one.output, /first-pass|second-pass/);
    await waitFor("its connections to end", async () => (await connections()) === 0);
  }

  it("changes with its file in a running worker, and no task is lost", () =>
    rotates(worker({ REDIS_PASSWORD_FILE: passwordFile("first-pass") })));

  it("changes in a supervised worker, whose exit is recorded with the new one", async () => {
    const run = { TASKFLEET_RUN_DIRECTORY: join(folder, "run") };
    await rotates(worker({ REDIS_PASSWORD_FILE: passwordFile("first-pass"), ...run }, "supervise"));
    assert.equal(await fleet.stat("exit:signal"), "1");
  });

  it("changes in a confined worker, which may not read the file", async () => {
    const confined = {
      TASKFLEET_CONFINE: "on",
      TASKFLEET_RUN_DIRECTORY: join(folder, "run"),
      TASKFLEET_CPU: "2",
    };
    await rotates(worker({ REDIS_PASSWORD_FILE: passwordFile("first-pass"), ...confined }, "supervise"));
    assert.equal(await fleet.stat("exit:signal"), "1");
  });

  it("changes with a source of secrets", async () => {
    const path = join(folder, "all.json");
    const write = (password: string) => writeFileSync(path, JSON.stringify({ REDIS_PASSWORD: password }));
    write("first-pass");
    const one = await worker({ TASKFLEET_SECRET_SOURCES: `file:${path}` }).ready();
    await passwords(">second-pass", "<first-pass");
    write("second-pass");
    await told(one);
    await dropConnections();
    await allRun();
  });

  it("that the server changed first is tried again until the file has it", async () => {
    const one = await worker({ REDIS_PASSWORD_FILE: passwordFile("first-pass") }).ready();
    await passwords("resetpass", ">third-pass");
    await dropConnections();
    const ids = await Promise.all(Array.from({ length: TASKS }, () => fleet.push("sleep", { ms: 5 })));
    await waitFor("the worker to be refused", async () =>
      /worker_error|refuses the password/.test(one.output),
    );
    passwordFile("third-pass");
    for (const id of ids) assert.equal((await fleet.result(id)).status, "success");
  });
});
