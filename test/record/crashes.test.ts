import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type SpawnerProcess, TestFleet } from "../support/fleet.ts";
import { rows, startPostgres, type TestPostgres } from "../support/postgres-server.ts";
import { parsePrometheusText } from "../support/prometheus-text.ts";
import { openQueue, resultOf, type TestQueue } from "../support/queue.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { migratedDatabase } from "./support.ts";

/** Small batches, so that whoever is struck is in the middle of one. */
const SETTINGS = {
  TASKFLEET_ACTUATOR: "none",
  TASKFLEET_LEADER_LEASE: "1.5",
  TASKFLEET_RECORD_BATCH: "40",
  TASKFLEET_RECORD_INTERVAL: "0.01",
};
const CALL = 20;

/** Pushes so many tasks and ends all of them, a few a call; returns their ids. */
async function work(queue: TestQueue, count: number): Promise<string[]> {
  const consumer = queue.consumer(`w-${Math.random()}`);
  const ids: string[] = [];
  while (ids.length < count) {
    const tasks = Array.from({ length: CALL }, () => ({ kind: "k", payload: 1 }));
    ids.push(...(await queue.producer.enqueue(tasks)).map(({ id }) => id));
    for (let ended = 0; ended < CALL; ) {
      const taken = await consumer.read(CALL, 1_000);
      const done = await consumer.settle(
        taken.map((task) => ({ task, result: resultOf(task), runtimeMs: 1 })),
      );
      ended += done.filter((one) => one).length;
    }
  }
  return ids;
}

/** Pseudo-random whole numbers from 0 on, the same for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe("the record in a crash", function () {
  this.timeout(120_000);
  let postgres: TestPostgres;
  let url: string;
  let fleet: TestFleet;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());
  beforeEach(async () => {
    url = await migratedDatabase(postgres);
    fleet = await TestFleet.open({ ...SETTINGS, DATABASE_URL: url });
  });
  afterEach(() => fleet.close());

  const count = async (statement: string) => Number((await rows(url, statement))[0]?.n);
  const written = () => count("SELECT coalesce(sum(rows), 0)::int AS n FROM taskfleet_recorder");
  const caughtUp = (redis: TestRedis = fleet.redis) =>
    waitFor("the record to have all", async () => (await redis.client.xlen(fleet.queue.keys.events)) === 0);

  /** Every task has its row, and each of its two changes stands once in its log, in order. */
  async function isWhole(tasks: number): Promise<void> {
    deepEqual(await rows(url, "SELECT status, count(*)::int AS n FROM runs GROUP BY status"), [
      { status: "success", n: tasks },
    ]);
    deepEqual(
      await rows(
        url,
        `SELECT log, count(*)::int AS n FROM (SELECT string_agg(status, ' ' ORDER BY seq) AS log
           FROM taskfleet_activity_log GROUP BY activity_id) AS logs GROUP BY log`,
      ),
      [{ log: "queued success", n: tasks }],
    );
  }

  async function metric(spawner: SpawnerProcess, name: string): Promise<number> {
    const text = await (await fetch(`${await spawner.address()}/metrics`)).text();
    return parsePrometheusText(text).get(name)?.samples.get(`${name}{stream="peagen.tasks"}`) ?? Number.NaN;
  }

  /** A spawner that leads and keeps the record. */
  async function recording(changes: Readonly<Record<string, string>> = {}): Promise<SpawnerProcess> {
    const spawner = await fleet.spawner(changes);
    await spawner.leads();
    const { record } = fleet.queue.keys;
    await waitFor("the record", async () => (await fleet.redis.client.exists(record)) === 1);
    return spawner;
  }

  it("has each change once when the leading spawner is killed again and again in the middle of batches", async () => {
    const TASKS = 6_000;
    const KILLS = 6;
    const below = seeded(7);
    let alive = [await fleet.spawner(), await fleet.spawner()];
    // The name of the one that leads begins with its host and pid.
    const leading = () =>
      waitFor("one to lead", async () => {
        const holder = (await fleet.redis.client.get(fleet.queue.keys.leader)) ?? "";
        return alive.find(({ child }) => holder.includes(`-${child.pid}-`));
      });
    const { record } = fleet.queue.keys;
    await waitFor("the record", async () => (await fleet.redis.client.exists(record)) === 1);
    const working = work(fleet.queue, TASKS);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const from = (await written()) + 40 + below(400);
      await waitFor(`${from} rows`, async () => (await written()) >= Math.min(from, 2 * TASKS));
      const leader = await leading();
      equal(await leader.end("SIGKILL"), null);
      alive = [...alive.filter((one) => one !== leader), await fleet.spawner()];
    }
    await working;
    await caughtUp();
    await isWhole(TASKS);
    equal((await fleet.queue.redis.hget(fleet.queue.keys.record, "lost")) ?? "0", "0");
  });

  it("has each change once when PostgreSQL is killed while it writes, and while tasks go on without it", async () => {
    const TASKS = 6_000;
    const spawner = await recording();
    const working = work(fleet.queue, TASKS);
    for (const after of [100, 900, 2_000]) {
      await waitFor(`${after} rows`, async () => (await written()) >= after);
      await postgres.kill();
      await waitFor("tasks to wait for the record", async () =>
        spawner.records.some(({ message }) => message === "record_stalled"),
      );
      await postgres.start();
    }
    await working;
    await caughtUp();
    await isWhole(TASKS);
    ok(spawner.records.some(({ message }) => message === "record_caught_up"));
    equal(await metric(spawner, "record_lost_total"), 0);
    equal(await metric(spawner, "record_pending_bytes"), 0);
  });

  it("counts exactly what had no room while the database was away, and says so once", async () => {
    const spawner = await recording({ TASKFLEET_RECORD_BUFFER: "65536" });
    const before = await work(fleet.queue, 200);
    await caughtUp();
    await postgres.crash();
    await work(fleet.queue, 4_000);
    await postgres.start();
    await caughtUp();
    const lost = await metric(spawner, "record_lost_total");
    ok(lost > 0);
    equal(
      await count("SELECT count(*)::int AS n FROM taskfleet_activity_log"),
      2 * (before.length + 4_000) - lost,
    );
    const gaps = (one: SpawnerProcess) =>
      one.records.filter(({ message }) => message === "record_gap").map((each) => each.lost);
    await waitFor("the gap to be told", () => gaps(spawner).length > 0);
    deepEqual(gaps(spawner), [lost]);
    await spawner.end("SIGTERM");
    // Whoever leads after it looks, and has nothing to tell.
    const next = await fleet.spawner({ TASKFLEET_RECORD_BUFFER: "65536" });
    await next.leads();
    await work(fleet.queue, CALL);
    await caughtUp();
    deepEqual(gaps(next), []);
  });

  it("tells of a wrong password by log and readiness, while tasks go on", async () => {
    const wrong = url.replace(/:[^:@/]+@/, ":not-the-password@");
    const spawner = await recording({ DATABASE_URL: wrong });
    await work(fleet.queue, CALL);
    const told = await waitFor("the refusal", () =>
      spawner.records.find(({ message }) => message === "record_login_refused"),
    );
    equal(told.level, "error");
    equal(
      told.wayOut,
      "correct user and password of the database's URL, or set them there by: taskfleet db setup",
    );
    const ready = await fetch(`${await spawner.address()}/health/ready`);
    const { errors } = (await ready.json()) as { errors: readonly string[] };
    const where = `PostgreSQL at 127.0.0.1:${postgres.port}/${new URL(url).pathname.slice(1)}`;
    const why = 'password authentication failed for user "taskfleet_admin"';
    deepEqual([ready.status, errors], [503, [`record: ${where} refuses to serve: ${why}`]]);
    equal(await fleet.queue.redis.xlen(fleet.queue.keys.events), 2);
  });

  it("goes on after Redis came back, with its data or without its last changes", async () => {
    await recording();
    const { redis, queue } = fleet;
    await work(queue, 400);
    await caughtUp();
    const kept = join(redis.directory, "kept");
    cpSync(join(redis.directory, "appendonlydir"), kept, { recursive: true });
    // What it loses: the record has it, and the queue does not.
    await work(queue, 400);
    await caughtUp();
    const restart = async (lose: boolean): Promise<TestRedis> => {
      const ended = once(redis.process, "exit");
      redis.process.kill("SIGKILL");
      await ended;
      if (lose) {
        rmSync(join(redis.directory, "appendonlydir"), { recursive: true });
        cpSync(kept, join(redis.directory, "appendonlydir"), { recursive: true });
      }
      return startRedis(["--dir", redis.directory], redis.port);
    };
    const again = await restart(true);
    try {
      const queueAgain = openQueue(again, "peagen.tasks");
      const position = (await rows(url, "SELECT last_event AS id FROM taskfleet_recorder"))[0]?.id as string;
      await work(queueAgain, 400);
      await caughtUp(again);
      queueAgain.close();
      await isWhole(1_200);
      const last = (await rows(url, "SELECT last_event AS id FROM taskfleet_recorder"))[0]?.id as string;
      ok(Number.parseInt(last, 10) > Number.parseInt(position, 10));
    } finally {
      await again.stop();
    }
  });
});
