import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { Redis } from "ioredis";
import pg from "pg";
import { identify } from "../../components/hosts/process-identity.ts";
import { ProjectCopy } from "../support/project-copy.ts";
import { waitFor } from "../support/wait.ts";

const NAMES = ["redis", "spawner-a", "spawner-b"] as const;
type Name = (typeof NAMES)[number];

interface ProcessRecord {
  readonly pid: number;
  readonly start: number;
  readonly port: number;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

/** Command lines of all processes that name this folder or work in it. */
function processesOf(folder: string): readonly string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      const concerned = line.includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
      return concerned && identify(Number(pid)) !== null ? [line] : [];
    } catch {
      return [];
    }
  });
}

function filesBelow(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe("the stack local", function () {
  this.timeout(240_000);
  const project = new ProjectCopy();
  const stack = join(project.state, "local");

  const record = (name: Name): ProcessRecord =>
    JSON.parse(readFileSync(join(stack, name === "redis" ? "redis" : "", `${name}.process.json`), "utf8"));
  const records = () => NAMES.map(record);
  const client = () => parseEnv(readFileSync(join(stack, "client.env"), "utf8"));
  const password = () => readFileSync(join(stack, "secrets", "redis-password"), "utf8");

  async function redis<T>(question: (redis: Redis) => Promise<T>): Promise<T> {
    const connection = new Redis(client().REDIS_URL ?? "", {
      password: password(),
      retryStrategy: () => null,
    });
    try {
      return await question(connection);
    } finally {
      connection.disconnect();
    }
  }

  async function up(): Promise<string> {
    const { code, output } = await project.taskfleet("up");
    assert.equal(code, 0, output);
    return output;
  }

  /** `+ 7 created`, `~ 2 updated`, `5 unchanged` */
  function summary(output: string): readonly string[] {
    const [, resources = ""] = output.split("Resources:\n");
    const lines = resources.split("\n\n")[0]?.split("\n") ?? [];
    return lines.map((line) => line.trim().replace(/^\W+/, ""));
  }

  after(async () => {
    if (existsSync(stack)) await project.taskfleet("down");
    project.remove();
  });

  it("comes up from nothing and says what to do next", async () => {
    const output = await up();
    assert.deepEqual(summary(output), ["16 created"]);
    assert.match(output, /Stack local is up; its queue: redis:\/\/127\.0\.0\.1:\d+/);
    assert.equal(await redis((connection) => connection.ping()), "PONG");
    for (const { port } of records().slice(1)) {
      const health = await fetch(`http://127.0.0.1:${port}/health/ready`);
      assert.deepEqual([health.status, await health.json()], [200, { status: "ready" }]);
    }
  });

  it("has nothing to do when nothing changed", async () => {
    const before = records();
    assert.deepEqual(summary(await up()), ["16 unchanged"]);
    assert.deepEqual(records(), before);
  });

  it("keeps the password out of command lines, logs, open files and plain state", async () => {
    const secret = password();
    assert.ok(secret.length >= 43);
    assert.ok(processesOf(project.root).length >= NAMES.length);
    for (const line of processesOf(project.root)) assert.ok(!line.includes(secret), line);
    const holders = filesBelow(project.state).filter((file) => readFileSync(file).includes(secret));
    assert.deepEqual(holders, [join(stack, "secrets", "redis-password")]);
    assert.equal(statSync(holders[0] ?? "").mode & 0o777, 0o600);
    const [spawner] = records().slice(1);
    assert.ok(!readFileSync(`/proc/${spawner?.pid}/environ`, "utf8").includes(secret));
  });

  it("heals what was killed, on the same ports and with the data kept", async () => {
    await redis((connection) => connection.set("kept", "yes"));
    const before = records();
    for (const { pid } of before.slice(0, 2)) process.kill(pid, "SIGKILL");
    assert.deepEqual(summary(await up()), ["2 updated", "14 unchanged"]);
    const healed = records();
    assert.deepEqual(
      healed.map(({ port }) => port),
      before.map(({ port }) => port),
    );
    assert.deepEqual(
      healed.map(({ pid }, index) => pid === before[index]?.pid),
      [false, false, true],
    );
    assert.equal(await redis((connection) => connection.get("kept")), "yes");
  });

  it("has the record's tables in PostgreSQL, for the application's role, and an API that wants its key", async () => {
    const variable = (file: string, name: string) =>
      parseEnv(readFileSync(join(stack, file), "utf8"))[name] ?? "";
    const database = (name: string) => variable("database.env", name);
    const ask = async (sql: string) => {
      const client = new pg.Client({
        host: database("PGHOST"),
        port: Number(database("PGPORT")),
        user: database("PGUSER"),
        database: database("PGDATABASE"),
        password: readFileSync(database("PGPASSWORD_FILE"), "utf8"),
      });
      await client.connect();
      return (await client.query(sql).finally(() => client.end())).rows;
    };
    assert.deepEqual(await ask("SELECT count(*)::int AS runs, current_user AS name FROM runs"), [
      { runs: 0, name: "taskfleet_app" },
    ]);
    await assert.rejects(ask("CREATE TABLE other (n int)"), /permission denied/);
    const queue = `${variable("api.env", "TASKFLEET_API_URL")}/api/queue`;
    const key = readFileSync(variable("api.env", "TASKFLEET_API_KEY_FILE"), "utf8");
    const authorized = await fetch(queue, { headers: { authorization: `Bearer ${key}` } });
    assert.deepEqual([(await fetch(queue)).status, authorized.status], [401, 200]);
  });

  it("writes again what was deleted of its files, and restarts nothing for that", async () => {
    const before = records();
    for (const file of ["client.env", "secrets/redis-password"]) rmSync(join(stack, file));
    assert.deepEqual(summary(await up()), ["1 updated", "15 unchanged"]);
    assert.deepEqual(records(), before);
    assert.equal(await redis((connection) => connection.get("kept")), "yes");
  });

  it("follows a changed spec, and leaves alone what it does not touch", async () => {
    const before = records();
    const set = await project.pulumi(
      "config",
      "set",
      "--path",
      "taskfleet:fleet.scaling.interval",
      "200 ms",
      "-s",
      "local",
    );
    assert.equal(set.code, 0, set.output);
    assert.deepEqual(summary(await up()), ["2 updated", "14 unchanged"]);
    assert.equal(record("redis").pid, before[0]?.pid);
    const environment = readFileSync(`/proc/${record("spawner-a").pid}/environ`, "utf8").split("\0");
    assert.ok(environment.includes("TASKFLEET_SCALE_INTERVAL=0.2"));
    assert.ok(environment.includes("TASKFLEET_LEASE=6"));
  });

  it("goes on under another name: the same processes on the same data, with a stream of that name", async () => {
    const { port } = record("redis");
    await project.pulumi("config", "set", "--path", "taskfleet:fleet.name", "acme", "-s", "local");
    assert.deepEqual(summary(await up()), ["5 updated", "11 unchanged"]);
    assert.equal(client().TASKFLEET_QUEUE_NAME, "acme.tasks");
    assert.equal(record("redis").port, port);
    assert.equal(await redis((connection) => connection.get("kept")), "yes");
  });

  it("names everything that is wrong with a spec, and changes nothing", async () => {
    const before = records();
    await project.pulumi("config", "set", "--path", "taskfleet:fleet.scaling.max", "0", "-s", "local");
    await project.pulumi("config", "set", "--path", "taskfleet:fleet.worker.concurency", "4", "-s", "local");
    const { code, output } = await project.taskfleet("up");
    await project.pulumi("config", "rm", "--path", "taskfleet:fleet.scaling.max", "-s", "local");
    await project.pulumi("config", "rm", "--path", "taskfleet:fleet.worker", "-s", "local");
    assert.equal(code, 1);
    assert.match(output, /scaling\.max: got 0; allowed: a whole number from 1 to 10000/);
    assert.match(output, /worker\.concurency: got 4; .*Did you mean "concurrency"\?/);
    assert.ok(!output.includes("    at "), "a stack trace helps nobody here");
    assert.deepEqual(records(), before);
  });

  it("finds a handler that cannot run before it touches what runs", async () => {
    const before = records();
    const handlers = join(project.state, "handlers");
    mkdirSync(handlers);
    writeFileSync(join(handlers, "broken.ts"), "export default 5 +");
    const key = "taskfleet:fleet.handlers";
    await project.pulumi("config", "set", "--path", key, handlers, "-s", "local");
    const { code, output } = await project.taskfleet("up");
    await project.pulumi("config", "rm", "--path", key, "-s", "local");
    assert.equal(code, 1);
    assert.match(output, /cannot run, so nothing was changed:\n.*broken\.ts/s);
    assert.deepEqual(records(), before);
  });

  it("gives handlers the secrets of its config, and a new value without a restart", async () => {
    const handlers = join(project.state, "handlers");
    writeFileSync(
      join(handlers, "broken.ts"),
      `import { defineHandler, Type } from "@taskfleet/worker/handler";
      const requires = { secrets: ["DEMO_KEY"] };
      const base = { kind: "ask", version: "1", description: "For tests.", payload: Type.Object({}) };
      const backwards = (text) => [...text].reverse().join("");
      export default defineHandler({ ...base, requires, run: async (_, { secret }) => backwards(secret("DEMO_KEY")) });`,
    );
    const config = (...words: readonly string[]) => project.pulumi("config", ...words, "-s", "local");
    const secret = ["--path", "taskfleet:secrets.DEMO_KEY"] as const;
    const folder = ["--path", "taskfleet:fleet.handlers"] as const;
    const ask = async () => {
      const { code, output } = await project.queue(client(), "push", "ask", "--wait-timeout", "60");
      assert.equal(code, 0, output);
      return output.trim().split("\n").at(-1);
    };
    const before = records();
    await config("set", ...folder, handlers);
    const refused = await project.taskfleet("up");
    assert.match(
      refused.output,
      /spawner-a would not start .*left alone:\n.*the secret DEMO_KEY is not set/s,
    );
    assert.deepEqual(records(), before);

    await config("set", "--secret", ...secret, "sk-first");
    await up();
    assert.equal(await ask(), '"tsrif-ks"');
    const started = records();
    await config("set", "--secret", ...secret, "sk-second");
    assert.deepEqual(summary(await up()), ["1 updated", "16 unchanged"]);
    await waitFor("the new value", async () => (await ask()) === '"dnoces-ks"');
    assert.deepEqual(records(), started);
    const holders = filesBelow(project.state).filter((file) => readFileSync(file).includes("sk-second"));
    assert.deepEqual(holders, [join(stack, "secrets", "handlers.json")]);

    await config("rm", ...folder);
    await config("rm", "taskfleet:secrets");
    await up();
    assert.equal(existsSync(holders[0] ?? ""), false);
  });

  it("explains in one line that another update is running", async () => {
    const first = project.startPulumi("up", "--yes", "--skip-preview", "-s", "local");
    const locks = join(project.state, "pulumi", ".pulumi", "locks", "organization", "taskfleet", "local");
    await waitFor("the first update's lock", () => existsSync(locks) && readdirSync(locks).length > 0);
    const { code, output } = await project.taskfleet("up");
    assert.equal((await first.end).code, 0);
    assert.equal(code, 6);
    assert.match(output, /^taskfleet: another update of stack local is running \(pid \d+, [^\n]+\n$/);
  });

  it("drains the workers and leaves nothing running or listening, but the data", async () => {
    const pushed = await project.queue(client(), "map", "--files", "package.json", "--", "wc", "-c");
    assert.equal(pushed.code, 0, pushed.output);
    const ports = records().map(({ port }) => port);
    assert.ok(readdirSync(join(stack, "run")).length > 0, "a worker must be running");
    const { code, output } = await project.taskfleet("down");
    assert.equal(code, 0, output);
    assert.deepEqual(processesOf(project.root), []);
    assert.deepEqual(await Promise.all(ports.map(answers)), [false, false, false]);
    assert.deepEqual(readdirSync(join(stack, "run")), []);
    assert.deepEqual(
      [existsSync(join(stack, "client.env")), existsSync(join(stack, "secrets"))],
      [false, false],
    );
    assert.match(output, /Stack local is down; the data of queue and record, if any, stays in /);
  });

  it("goes on where it was: the data is there, under a new password", async () => {
    const interrupted = project.startPulumi("up", "--yes", "--skip-preview", "-s", "local");
    const started = join(stack, "redis", "redis.process.json");
    await waitFor("Redis to be started", () => existsSync(started) && record("redis").pid);
    interrupted.interrupt();
    await interrupted.end;
    await up();
    assert.equal(await redis((connection) => connection.get("kept")), "yes");
    const running = processesOf(join(stack, "redis", "data"));
    assert.equal(running.length, 1, "two servers on the same data would destroy it");
    assert.deepEqual(summary(await up()), ["16 unchanged"]);
  });

  it("keeps the checkout clean", () => {
    assert.equal(project.gitStatus(), "");
  });

  it("removes the data when asked to, and has nothing to do after that", async () => {
    const { code, output } = await project.taskfleet("down", "--delete-data");
    assert.equal(code, 0, output);
    assert.equal(existsSync(stack), false);
    assert.deepEqual(processesOf(project.root), []);
    const again = await project.taskfleet("down");
    assert.equal(again.code, 0, again.output);
  });

  it("stops what no state knows: an update was cut off before it saved", async () => {
    mkdirSync(stack);
    const child = spawn("sleep", ["1000"], { cwd: stack, stdio: "ignore" });
    const ended = once(child, "exit");
    const own = identify(child.pid ?? 0);
    writeFileSync(join(stack, "spawner-a.process.json"), JSON.stringify({ ...own, port: 9464 }));
    const { code, output } = await project.taskfleet("down");
    child.kill("SIGKILL");
    assert.equal(code, 0, output);
    assert.deepEqual(await ended, [null, "SIGTERM"]);
    assert.match(output, /; an interrupted update had left spawner-a: stopped; /);
  });
});
