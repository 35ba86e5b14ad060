import { deepEqual, equal, match } from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "../../worker/src/adapters/redis/connection.ts";
import { Keeper } from "../../worker/src/adapters/redis/keeper.ts";
import { depth } from "../../worker/src/adapters/redis/queue-status.ts";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import type { DrillReport } from "../../worker/src/backup/drill.ts";
import type { Manifest } from "../../worker/src/backup/manifest.ts";
import { cleanUpStale } from "../../worker/src/recorder/stale.ts";
import { cli, finished, jsonLine, startCli } from "../cli/support.ts";
import { rows } from "../support/postgres-server.ts";
import { LEASE_OVER, openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { type BackedUp, fill, makeRecord, openStore, readAll, withServers } from "./support.ts";

describe("backup restore", function () {
  this.timeout(180_000);
  let fleet: BackedUp;
  const servers: TestRedis[] = [];
  withServers((made) => {
    fleet = made;
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  async function emptyRedis(...options: string[]): Promise<TestRedis> {
    const server = await startRedis(options);
    servers.push(server);
    return server;
  }
  async function create(): Promise<Manifest> {
    const made = await fleet.backup("create", "--json");
    equal(made.code, 0, made.err);
    return jsonLine(made.out) as unknown as Manifest;
  }

  /** Takes every task that a restored queue gives, and settles it. */
  async function workOff(queue: TestQueue): Promise<string[]> {
    const keeper = new Keeper(queue.redis, queue.stream);
    await keeper.reclaim(LEASE_OVER);
    const consumer = queue.consumer("w-new");
    const done: string[] = [];
    for (;;) {
      const tasks = await consumer.read(10, 20);
      if (tasks.length === 0) return done.sort();
      await consumer.settle(tasks.map((task) => ({ task, result: resultOf(task), runtimeMs: 5 })));
      done.push(...tasks.map(({ id }) => id));
    }
  }

  it("fills empty servers, and a worker goes on with the queue where it was", async () => {
    const tasks = await fill(fleet);
    const manifest = await create();
    const redis = await emptyRedis();
    const urls = await makeRecord(fleet.postgres);
    const restore = [
      "restore",
      manifest.name,
      "--redis-url",
      redis.url,
      "--database-url",
      urls.migrate,
      "--json",
    ];
    const restored = await fleet.backup(...restore);
    equal(restored.code, 0, restored.err);
    deepEqual(jsonLine(restored.out).faults, []);
    const queue = openQueue(redis, fleet.queue.stream);
    const { waiting, running, delayed, deadLetters } = await depth(queue.redis, queue.stream);
    deepEqual([waiting, running, delayed, deadLetters], [3, 1, 1, 1]);
    deepEqual(await queue.results.read([tasks.settled]), await fleet.queue.results.read([tasks.settled]));
    deepEqual(await workOff(queue), [...tasks.waiting, tasks.running].sort());
    const store = await openStore(urls.app);
    await readAll(queue, store);
    const ends = await rows(
      urls.app,
      "SELECT status, count(*)::int AS runs FROM runs GROUP BY status ORDER BY 1",
    );
    deepEqual(ends, [
      { status: "dead", runs: 1 },
      { status: "queued", runs: 1 },
      { status: "success", runs: 5 },
    ]);
    deepEqual(
      await rows(
        urls.app,
        "SELECT count(*)::int AS lines, count(DISTINCT seq)::int AS numbers FROM taskfleet_activity_log",
      ),
      [{ lines: 14, numbers: 14 }],
    );
    await store.close();
    queue.close();
    // What is there now is not overwritten.
    const again = await fleet.backup(...restore);
    equal(again.code, 1);
    equal(
      again.err,
      `taskfleet: the Redis at ${new URL(redis.url).host} is not empty: restore into an empty one\n`,
    );
    const full = await fleet.backup("restore", manifest.name, "--database-url", urls.migrate);
    match(
      full.err,
      /^taskfleet: the database \S+ is not empty: taskfleet_activity, taskfleet_activity_log, taskfleet_recorder have rows; restore into an empty one\n$/,
    );
    const drilled = await fleet.backup("drill", "--redis-url", redis.url);
    deepEqual([drilled.code, drilled.err], [1, again.err]);
    const skipped = await fleet.backup(...restore, "--if-empty");
    deepEqual(
      [skipped.code, skipped.out],
      [
        0,
        `nothing restored: the Redis at ${new URL(redis.url).host} is not empty: restore into an empty one\n`,
      ],
    );
  });

  it("refuses a target that a restore was cut off in, with --if-empty too", async () => {
    await fill(fleet);
    const manifest = await create();
    const redis = await emptyRedis();
    const queue = openQueue(redis, fleet.queue.stream);
    await queue.redis.set("taskfleet:restoring", manifest.name);
    const words = ["restore", manifest.name, "--redis-url", redis.url];
    const refused = await fleet.backup(...words, "--if-empty");
    deepEqual([refused.code, refused.out], [1, ""]);
    match(refused.err, /holds part of backup \S+, whose restore was cut off: .*down --delete-data/);
    await queue.redis.flushall();
    const restored = await fleet.backup(...words);
    equal(restored.code, 0, restored.err);
    equal(await queue.redis.exists("taskfleet:restoring"), 0);
    queue.close();
  });

  it("leaves its mark when it is cut off after the first write", async () => {
    await fill(fleet);
    const manifest = await create();
    const redis = await emptyRedis();
    const urls = await makeRecord(fleet.postgres);
    writeFileSync(join(fleet.folder, "pg_restore"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const path = `${fleet.folder}:${process.env.PATH}`;
    const words = [
      "backup",
      "restore",
      manifest.name,
      "--redis-url",
      redis.url,
      "--database-url",
      urls.migrate,
    ];
    const env = { ...fleet.env, TASKFLEET_BACKUP_PROGRAMS: fleet.folder, PATH: path };
    const failed = await cli(words, { env, cwd: fleet.folder });
    equal(failed.code, 1, failed.err);
    const queue = openQueue(redis, fleet.queue.stream);
    equal(await queue.redis.get("taskfleet:restoring"), manifest.name);
    queue.close();
  });

  it("drills into empty servers that are named", async () => {
    await fill(fleet);
    await create();
    const redis = await emptyRedis();
    const urls = await makeRecord(fleet.postgres);
    const drilled = await fleet.backup(
      "drill",
      "--redis-url",
      redis.url,
      "--database-url",
      urls.migrate,
      "--json",
    );
    const { passed, servers } = jsonLine(drilled.out) as unknown as DrillReport;
    deepEqual([drilled.code, passed, servers], [0, true, { postgres: "given", redis: "given" }]);
    equal((await rows(urls.app, "SELECT id FROM runs")).length, 7);
  });

  it("writes the files that a Redis starts from", async () => {
    const tasks = await fill(fleet);
    const manifest = await create();
    const directory = join(fleet.folder, "redis-data");
    const restored = await fleet.backup("restore", manifest.name, "--redis-directory", directory, "--json");
    equal(restored.code, 0, restored.err);
    const redis = await emptyRedis("--dir", directory);
    const queue = openQueue(redis, fleet.queue.stream);
    deepEqual(await workOff(queue), [...tasks.waiting, tasks.running].sort());
    queue.close();
    const again = await fleet.backup("restore", manifest.name, "--redis-directory", directory);
    deepEqual(
      [again.code, again.err],
      [1, `taskfleet: ${directory} is not empty: it has appendonlydir; name an empty folder\n`],
    );
  });

  it("refuses to say nothing of where, and a backup that is not there", async () => {
    const nowhere = await fleet.backup("restore", "20200101T000000Z");
    equal(nowhere.code, 2);
    const none = await fleet.backup("restore", "20200101T000000Z", "--redis-directory", fleet.folder);
    equal(
      none.err,
      `taskfleet: there is no backup 20200101T000000Z in ${fleet.directory}: \`taskfleet backup list\` shows them\n`,
    );
  });

  /**
   * Between the queue's half and the record's half tasks go on: what ended is in the record, and runs again in the
   * restored queue; what was pushed is in the record alone.
   */
  it("counts nothing twice and skips nothing of what happens between its two halves", async () => {
    const { queue, store } = fleet;
    const consumer = queue.consumer("w-old");
    const before = await queue.push();
    await fleet.recorded();
    const unread = await queue.push();
    const programs = join(fleet.folder, "programs");
    mkdirSync(programs);
    const [taken, go] = [join(fleet.folder, "taken"), join(fleet.folder, "go")];
    writeFileSync(
      join(programs, "redis-cli"),
      `#!/bin/sh\nredis-cli "$@" || exit 1\ntouch '${taken}'\nuntil [ -e '${go}' ]; do sleep 0.05; done\n`,
    );
    chmodSync(join(programs, "redis-cli"), 0o700);
    const env = { ...fleet.env, TASKFLEET_BACKUP_PROGRAMS: programs };
    const child = startCli(["backup", "create", "--json"], { env, cwd: fleet.folder });
    const made = finished(child);
    await waitFor("the queue's half", () => existsSync(taken));
    const done = await queue.take(consumer);
    await consumer.settle([{ task: done, result: resultOf(done), runtimeMs: 5 }]);
    const between = await queue.push();
    await fleet.recorded();
    writeFileSync(go, "");
    const manifest = jsonLine((await made).out) as unknown as Manifest;
    equal(done.id, before);

    const redis = await emptyRedis();
    const urls = await makeRecord(fleet.postgres);
    const targets = ["--redis-url", redis.url, "--database-url", urls.migrate];
    const restored = await fleet.backup("restore", manifest.name, ...targets);
    equal(restored.code, 0, restored.err);
    const later = openQueue(redis, queue.stream);
    const record = await openStore(urls.app);
    const source = new RecordStream(later.redis, later.stream);
    equal(await store.position(queue.stream), await record.position(queue.stream));
    const status = async () =>
      Object.fromEntries(
        (await rows(urls.app, "SELECT id, status FROM runs")).map(({ id, status }) => [id, status]),
      );
    // The first step reads nothing that is known, then what is told from now on.
    const { Recorder } = await import("../../worker/src/recorder/recorder.ts");
    const { listeningLogger } = await import("../record/support.ts");
    const recorder = new Recorder({
      ...{
        queue: later.stream,
        source,
        store: record,
        logger: listeningLogger([]),
        now: () => performance.now(),
      },
      ...{ bufferBytes: 64_000_000, batchRows: 5_000, intervalMs: 20 },
    });
    await recorder.step();
    deepEqual(await status(), { [before]: "success", [unread]: "queued", [between]: "queued" });
    const now = Date.now() + 120_000;
    const stale = { queue: later.stream, store: record, tasks: later.results, before: now, now };
    deepEqual(await cleanUpStale(stale), { stale: 1, repaired: 0 });
    deepEqual(await workOff(later), [before, unread].sort());
    const fresh = await later.push();
    await recorder.step();
    deepEqual(await status(), {
      ...{ [before]: "success", [unread]: "success", [between]: "cancelled", [fresh]: "queued" },
    });
    const lines = (await record.run(later.stream, unread))?.log.map((line) => line.status);
    deepEqual(lines, ["queued", "success"]);
    equal(await later.redis.xlen(later.keys.events), 0);
    await record.close();
    later.close();
    deepEqual(readdirSync(fleet.directory), [manifest.name]);
  });

  it("restores keys of every type, of other databases, and their ends", async () => {
    const { client } = fleet.redis;
    await client.set("plain", Buffer.from([0, 255, 10]));
    await client.rpush("list", ...Array.from({ length: 2_500 }, (_, i) => String(i)));
    await client.sadd("set", ...Array.from({ length: 3_000 }, (_, i) => `m${i}`));
    await client.hset("hash", Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`f${i}`, i])));
    await client.zadd("zset", ...Array.from({ length: 1_500 }, (_, i) => [i / 7, `z${i}`]).flat());
    await client.set("ends", "soon", "PX", 7_200_000);
    await client.set("gone", "at once", "PX", 1);
    await client.select(3);
    await client.set("elsewhere", "3");
    const manifest = await create();
    deepEqual(manifest.queue.keyspace.types, { hash: 2, list: 1, set: 1, string: 2, zset: 1 });
    const redis = await emptyRedis();
    const restored = await cli(["backup", "restore", manifest.name, "--redis-url", redis.url, "--json"], {
      env: fleet.env,
      cwd: fleet.folder,
    });
    deepEqual([restored.code, jsonLine(restored.out).faults], [0, []]);
    const there = createConnection({ url: redis.url, password: "", profile: "client", name: "test" });
    await client.select(0);
    equal(await there.call("PEXPIRETIME", "ends"), await client.call("PEXPIRETIME", "ends"));
    deepEqual(await there.getBuffer("plain"), Buffer.from([0, 255, 10]));
    equal(await there.zscore("zset", "z3"), await client.zscore("zset", "z3"));
    await there.select(3);
    equal(await there.get("elsewhere"), "3");
    // One field of a large hash makes the difference.
    await there.select(0);
    await there.hset("hash", "f17", "changed");
    const { digestKeyspace } = await import("../../worker/src/adapters/redis/keyspace.ts");
    const { compareKeyspaces, differences } = await import("../../worker/src/backup/compare.ts");
    const { digest, now } = await digestKeyspace(there, manifest.queue.taken_at);
    const [fault, ...more] = differences(compareKeyspaces(manifest.queue.keyspace, digest, now));
    match(fault ?? "", /^keys: 7 keys, [0-9a-f]{12}; the manifest says 7 keys, [0-9a-f]{12}$/);
    deepEqual(more, []);
    there.disconnect();
  });
});
