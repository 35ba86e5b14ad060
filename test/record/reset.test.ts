import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Keeper } from "../../worker/src/adapters/redis/keeper.ts";
import { TaskPlaces } from "../../worker/src/adapters/redis/task-places.ts";
import { type ResetOptions, type ResetRun, resetRuns } from "../../worker/src/recorder/reset.ts";
import { cli, jsonLines } from "../cli/support.ts";
import { age, bury, resultOf } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { WorkerProcess } from "../worker/support/worker-process.ts";
import { type RecordedQueue, runOf, withRecord } from "./support.ts";

const LATER = 9_000_000_000_000;
const HANDLERS = fileURLToPath(new URL("../support/fleet-handlers", import.meta.url));
const LIMITS = { leaseMs: 1_500, maxDeliveries: 5 };

describe("runs reset", function () {
  this.timeout(120_000);
  let record: RecordedQueue;
  let places: TaskPlaces;
  withRecord((made) => {
    record = made;
    places = new TaskPlaces(made.queue.redis, made.queue.stream);
  });

  const reset = (more: Partial<ResetOptions> = {}): Promise<readonly ResetRun[]> => {
    const { queue, store, source } = record;
    const keeper = new Keeper(queue.redis, queue.stream);
    const parts = { queue: queue.stream, store, source, tasks: queue.results, places, keeper };
    const times = { before: LATER, now: LATER, dryRun: false, limits: LIMITS };
    return resetRuns({ ...parts, ...times, catchUp: async () => true, ...more });
  };
  const told = (runs: readonly ResetRun[]) =>
    Object.fromEntries(runs.map(({ id, found, done }) => [id, `${found}: ${done}`]));

  async function recorded(): Promise<void> {
    const recorder = record.recorder();
    const target = await record.source.lastId();
    await waitFor("the record", async () => {
      await recorder.step();
      return (await record.store.position(record.queue.stream)) === target;
    });
  }

  describe("with real workers", () => {
    const workers: WorkerProcess[] = [];
    let folder: string;
    const worker = () => {
      const one = new WorkerProcess(record.queue, {
        TASKFLEET_HANDLERS: HANDLERS,
        WORKER_CONCURRENCY: "1",
        WORKER_BATCH_SIZE: "1",
      });
      workers.push(one);
      return one;
    };
    const gate = (name: string) => join(folder, name);
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "taskfleet-reset-"));
    });
    afterEach(async () => {
      for (const one of workers.splice(0)) {
        one.child.kill("SIGKILL");
        await waitFor("a worker's end", () => one.child.exitCode !== null || one.child.signalCode !== null);
      }
      rmSync(folder, { recursive: true, force: true });
    });

    it("takes back what a killed and a stopped worker held, of every priority, and nothing that is alive", async () => {
      const { queue } = record;
      const held: { id: string; by: WorkerProcess }[] = [];
      for (const priority of ["high", "normal", "low"] as const) {
        const by = worker();
        const id = await queue.push({ kind: "gate", payload: { file: gate(priority) }, priority });
        await by.logged("run_dispatched");
        held.push({ id, by });
      }
      const [alive, killed, stopped] = held as [(typeof held)[0], (typeof held)[0], (typeof held)[0]];
      const [before] = await places.find([alive.id]);
      killed.by.child.kill("SIGKILL");
      stopped.by.child.kill("SIGSTOP");
      await waitFor("both leases to end", async () =>
        (await places.find([killed.id, stopped.id])).every(
          (place) => place.state === "held" && place.silentMs >= LIMITS.leaseMs,
        ),
      );
      await recorded();
      deepEqual(told(await reset({ dryRun: true })), {
        [alive.id]: "alive: nothing",
        [killed.id]: "lost: nothing",
        [stopped.id]: "lost: nothing",
      });
      deepEqual(told(await reset()), {
        [alive.id]: "alive: nothing",
        [killed.id]: "lost: requeued",
        [stopped.id]: "lost: requeued",
      });
      const [after] = await places.find([alive.id]);
      deepEqual(
        [before, after].map((place) => place?.state === "held" && [place.entryId, place.workerId]),
        [
          [before?.state === "held" && before.entryId, alive.by.id],
          [before?.state === "held" && before.entryId, alive.by.id],
        ],
      );
      await recorded();
      deepEqual(await Promise.all(held.map(async ({ id }) => (await record.run(id)).status)), [
        "running",
        "queued",
        "queued",
      ]);
      const other = worker();
      for (const name of ["normal", "low"]) writeFileSync(gate(name), "");
      await queue.results.wait([killed.id, stopped.id]);
      writeFileSync(gate("high"), "");
      await queue.results.wait([alive.id]);
      stopped.by.child.kill("SIGCONT");
      await waitFor("the late result to be refused", async () => (await queue.stats()).late === "1");
      await recorded();
      const ends = await Promise.all(held.map(({ id }) => record.run(id)));
      deepEqual(
        ends.map(({ status, attempts, worker_id }) => [status, attempts, worker_id]),
        [
          ["success", 1, alive.by.id],
          ["success", 1, other.id],
          ["success", 1, other.id],
        ],
      );
    });
  });

  it("sees a task that settles between look and act", async () => {
    const { queue } = record;
    const consumer = queue.consumer("w");
    const id = await queue.push();
    const task = await queue.take(consumer);
    await record.store.write(queue.stream, {
      ids: [id],
      change: () => ({
        runs: [runOf(queue.stream, id, { status: "running", started_at: 1_000 })],
        lines: [],
      }),
    });
    await age(queue, task, "w", 700_000);
    let looks = 0;
    const settling = {
      find: async (ids: readonly string[]) => {
        const found = await places.find(ids);
        if (looks++ === 0) await consumer.settle([{ task, result: resultOf(task), runtimeMs: 5 }]);
        return found;
      },
    };
    deepEqual(told(await reset({ places: settling })), { [id]: "ended: nothing" });
    deepEqual(await places.find([id]), [{ state: "ended" }]);
    equal((await queue.stats()).reclaimed, undefined);
  });

  it("mends the record where it is behind the queue, and leaves young and sound runs alone", async () => {
    const { queue } = record;
    const consumer = queue.consumer("w");
    const dead = await bury(queue, consumer);
    const waiting = await queue.push();
    const sound = await queue.push();
    await recorded();
    const running = { status: "running", started_at: 1_000, created_at: 500 } as const;
    const runs = [
      runOf(queue.stream, dead, running),
      runOf(queue.stream, waiting, running),
      runOf(queue.stream, sound, { created_at: 400 }),
      runOf(queue.stream, "gone-running", running),
      runOf(queue.stream, "gone-queued", { created_at: 500 }),
      runOf(queue.stream, "young", { status: "running", started_at: 3_000 }),
    ];
    await record.store.write(queue.stream, {
      ids: runs.map(({ id }) => id),
      change: () => ({ runs, lines: [] }),
    });
    const expected = {
      [dead]: "ended: repaired",
      [waiting]: "waiting: repaired",
      "gone-running": "gone: repaired",
      "gone-queued": "gone: repaired",
    };
    deepEqual(told(await reset({ before: 2_000 })), expected);
    deepEqual(await Promise.all(runs.map(async ({ id }) => (await record.run(id)).status)), [
      ...["dead", "queued", "queued", "cancelled", "cancelled", "running"],
    ]);
    deepEqual(told(await reset({ before: 2_000 })), {});
  });

  it("leaves runs alone of which the record has to read yet", async () => {
    const { queue } = record;
    const run = runOf(queue.stream, "gone", { status: "running", started_at: 1_000 });
    await record.store.write(queue.stream, { ids: ["gone"], change: () => ({ runs: [run], lines: [] }) });
    await queue.push();
    deepEqual(told(await reset()), { gone: "gone: unread" });
    equal((await record.run("gone")).status, "running");
    await recorded();
    deepEqual(told(await reset()), { gone: "gone: repaired" });
  });

  describe("as a command", () => {
    const run = (...words: string[]) => {
      const { queue, url } = record;
      const env = { REDIS_URL: queue.server.url, TASKFLEET_QUEUE_NAME: queue.stream, DATABASE_URL: url };
      return cli(["runs", ...words], { env });
    };

    it("wants a lease that a spawner told, and --yes", async () => {
      const none = await run("reset", "--yes");
      equal(none.code, 1);
      match(
        none.err,
        /no spawner has led queue-\S+ yet, so nobody knows how long its workers may be silent\n/,
      );
      const asked = await run("reset");
      equal(asked.code, 2);
      equal(
        asked.err,
        "taskfleet: nobody can be asked whether these runs are to be reset; nothing was changed\n" +
          "  --dry-run shows what would be done; --yes does it without asking.\n",
      );
    });

    it("resets, and prints what became of each run", async () => {
      const { queue } = record;
      await places.publishLimits(LIMITS);
      const consumer = queue.consumer("w");
      const id = await queue.push();
      const task = await queue.take(consumer);
      await recorded();
      const lost = runOf(queue.stream, id, { status: "running", started_at: 1_000, worker_id: "w" });
      await record.store.write(queue.stream, { ids: [id], change: () => ({ runs: [lost], lines: [] }) });
      await age(queue, task, "w", 700_000);
      const shown = await run("reset", "--older-than", "60m", "--dry-run");
      equal(shown.code, 0, shown.err);
      match(shown.out, /to be taken back from its silent worker\n1 run to reset, 0 alive\n$/);
      const done = await run("reset", "--older-than", "60m", "--yes", "--json");
      deepEqual(jsonLines(done.out), [
        {
          ...{ id, kind: "k", status: "running", worker_id: "w", since: 1_000 },
          ...{ found: "lost", done: "requeued", dry_run: false },
        },
      ]);
      deepEqual(await places.find([id]), [{ state: "waiting" }]);
    });

    it("prunes by age: counted, archived, deleted", async () => {
      const { queue } = record;
      const ended = { status: "success", finished_at: 60_000 } as const;
      const runs = [
        runOf(queue.stream, "old", ended),
        runOf(queue.stream, "new", { ...ended, updated_at: Date.now() }),
      ];
      await record.store.write(queue.stream, { ids: [], change: () => ({ runs, lines: [] }) });
      const first = await run("prune", "--dry-run", "--json");
      const { before, ...counted } = jsonLines(first.out)[0] ?? {};
      deepEqual(counted, { pruned: 1, mode: "delete", dry_run: true });
      equal(typeof before, "number");
      match(
        (await run("prune", "--older-than", "30d", "--archive", "--yes")).out,
        /^1 run unchanged since \S+ archived\n$/,
      );
      match((await run("prune", "--older-than", "0s", "--yes")).out, /^1 run unchanged since \S+ deleted\n$/);
      equal((await run("prune")).code, 2);
    });
  });
});
