import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { quietPort } from "../support/quiet-port.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));
const HANDLERS = fileURLToPath(new URL("../support/fleet-handlers", import.meta.url));
const KEY = ["a", "key", "of", "the", "test"].join("-");

describe("a fleet that no stack started, by its environment alone", function () {
  this.timeout(180_000);
  let redis: TestRedis;
  let postgres: TestPostgres;
  let folder: string;
  let environment: Record<string, string>;
  const children: ChildProcess[] = [];

  const run = (...words: string[]): ChildProcess => {
    const env = { PATH: process.env.PATH, HOME: folder, ...environment };
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: folder, env, stdio: "ignore" });
    children.push(child);
    return child;
  };
  const ended = async (...words: string[]) => (await once(run(...words), "exit"))[0];

  before(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-elsewhere-"));
    const as = (role: string) => {
      const url = new URL(postgres.adminUrl());
      url.username = `taskfleet_${role}`;
      url.password = `of-${role}`;
      url.pathname = "/record";
      return url.href;
    };
    environment = {
      REDIS_URL: redis.url,
      TASKFLEET_HANDLERS: HANDLERS,
      DATABASE_URL: as("app"),
      TASKFLEET_DATABASE_MIGRATE_URL: as("migrate"),
      TASKFLEET_DATABASE_BACKUP_URL: as("backup"),
      TASKFLEET_DATABASE_ADMIN_URL: postgres.adminUrl(),
      TASKFLEET_API_KEY: KEY,
      TASKFLEET_API_PORT: String(await quietPort()),
    };
  });

  after(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    }
    await Promise.all([redis.stop(), postgres.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const call = async (path: string, body?: object) => {
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
    const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const url = `http://127.0.0.1:${environment.TASKFLEET_API_PORT}${path}`;
    const answer = await fetch(url, { headers, ...post });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };

  it("takes a task over HTTP, runs it, records it and shows the run with its log", async () => {
    run("api");
    await waitFor("the API", async () => (await call("/health/live").catch(() => null))?.status === 200);
    const before = await call("/health/ready");
    assert.equal(before.status, 503);
    assert.equal((await call("/health/ready?only=redis")).status, 200);

    assert.equal(await ended("db", "setup"), 0);
    await waitFor("readiness", async () => (await call("/health/ready")).status === 200);
    run("spawner");
    // What was pushed before the record was switched on is not all told.
    const { record } = queueKeys("peagen.tasks");
    await waitFor("the record", async () => (await redis.client.hexists(record, "bytes")) === 1);
    run("worker");
    await waitFor("the kinds", async () => JSON.stringify((await call("/api/kinds")).body).includes("coin"));
    const task = { kind: "coin", payload: { failures: 1 }, id: "one", agent_id: "agent-7" };
    assert.deepEqual(await call("/api/tasks", task), { status: 202, body: { id: "one", state: "waiting" } });
    const found = await waitFor("the run's end", async () => {
      const { status, body } = await call("/api/runs/one");
      return status === 200 && body.status === "success" ? body : null;
    });
    assert.deepEqual([found.kind, found.agent_id, found.attempts], ["coin", "agent-7", 2]);
    const log = found.log as { status: string; message: string | null }[];
    assert.deepEqual(
      log.map(({ status }) => status).filter((status) => status !== "running"),
      ["queued", "queued", "success"],
    );
    const listed = (await call("/api/runs?agent_id=agent-7")).body.runs as { id: string }[];
    assert.deepEqual(
      listed.map(({ id }) => id),
      ["one"],
    );
    assert.equal(await ended("runs", "show", "one"), 0);
    assert.equal(await ended("db", "status"), 0);
  });
});
