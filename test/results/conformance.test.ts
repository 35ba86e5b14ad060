import assert from "node:assert/strict";
import type { Consumer, SettleItem } from "../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../worker/src/core/task.ts";
import type { ResultStore } from "../../worker/src/ports/result-store.ts";
import { LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import { waitFor } from "../support/wait.ts";
import { BACK_ENDS, filesIn, NOW, reader, saving, sweep, withFolder } from "./support.ts";

const LATER = NOW + 3_600_000;

function item(task: DeliveredTask, output: unknown = "done"): SettleItem {
  return { task, result: resultOf(task, { output }), runtimeMs: 1 };
}

for (const { name, open } of BACK_ENDS)
  describe(`results kept by ${name}`, () => {
    let queue: TestQueue;
    let folder: string;
    withQueue((opened) => {
      queue = opened;
    });
    withFolder((made) => {
      folder = made;
    });
    const own = (workerId: string): { store: ResultStore; consumer: Consumer } => ({
      store: open(folder, workerId),
      consumer: queue.consumer(workerId),
    });
    const outputs = async (...ids: string[]) => {
      const outcomes = await reader(queue, folder).read(ids);
      return outcomes.map((outcome) => (outcome.state === "settled" ? outcome.result.output : outcome.state));
    };

    it("are what was returned, in every way to read them", async () => {
      const { store, consumer } = own("w");
      const returned = [{ deep: ["ü", 1, null] }, "", null, false, "x".repeat(300_000)];
      const ids = await Promise.all(returned.map((_, at) => queue.push({ id: `t${at}` })));
      const tasks = (await consumer.read(9, 20)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const wait = reader(queue, folder).wait(ids);
      const settled = await saving(store, consumer).settle(tasks.map((task, at) => item(task, returned[at])));
      assert.deepEqual(settled, [true, true, true, true, true]);
      const expected = tasks.map((task, at) => ({
        state: "settled",
        result: resultOf(task, { output: returned[at] }),
      }));
      assert.deepEqual(await reader(queue, folder).read(ids), expected);
      assert.deepEqual(await reader(queue, folder).readKnown([...ids, "no"]), [
        ...expected,
        { state: "unknown" },
      ]);
      assert.deepEqual([...(await wait).values()], expected);
    });

    it("need no output", async () => {
      const { store, consumer } = own("w");
      const id = await queue.push();
      const task = await queue.take(consumer);
      const { output, ...result } = resultOf(task, { status: "cancelled" });
      assert.deepEqual(await saving(store, consumer).settle([{ task, result, runtimeMs: 1 }]), [true]);
      assert.deepEqual(await reader(queue, folder).read([id]), [{ state: "settled", result }]);
      assert.deepEqual(filesIn(folder), []);
    });

    it("of two attempts are one: the late one is refused and leaves nothing behind", async () => {
      const [slow, quick] = [own("slow"), own("quick")];
      await queue.push({ id: "a" });
      const old = await queue.take(slow.consumer);
      await queue.keeper.reclaim(LEASE_OVER);
      const fresh = await queue.take(quick.consumer);
      const settles = await Promise.all([
        saving(slow.store, slow.consumer).settle([item(old, "late")]),
        saving(quick.store, quick.consumer).settle([item(fresh, "first")]),
      ]);
      assert.deepEqual(settles, [[false], [true]]);
      assert.deepEqual(await outputs("a"), ["first"]);
      assert.equal(filesIn(folder).length, name === "fs" ? 1 : 0);
      assert.equal((await queue.stats()).late, "1");
    });

    it("of an entry that was handed out twice are the accepted one's", async () => {
      const [one, two] = [own("one"), own("two")];
      await queue.push({ id: "a" });
      const task = await queue.take(one.consumer);
      const first = await saving(one.store, one.consumer).settle([item(task, "first")]);
      const second = await saving(two.store, two.consumer).settle([item(task, "second")]);
      assert.deepEqual([first, second], [[true], [false]]);
      assert.deepEqual(await outputs("a"), ["first"]);
    });

    it("are kept once when the answer of a settle is lost", async () => {
      const { store, consumer } = own("w");
      await queue.push({ id: "a" });
      const task = await queue.take(consumer);
      let saves = 0;
      const counted: ResultStore = Object.assign(Object.create(store), {
        save: (results: Parameters<ResultStore["save"]>[0]) => {
          saves += results.length;
          return saves === 1 ? store.save(results) : Promise.resolve([{ failure: "saved twice" }]);
        },
      });
      let calls = 0;
      const { settle, unsaved } = saving(counted, {
        settle: async (items) => {
          const answer = await consumer.settle(items);
          calls += 1;
          if (calls === 1) throw new Error("the connection is gone");
          return answer;
        },
      });
      const items = [item(task, "kept")];
      await assert.rejects(settle(items), /the connection is gone/);
      assert.deepEqual(await settle(items), [true]);
      assert.deepEqual([saves, unsaved, await outputs("a")], [1, [], ["kept"]]);
    });

    it("that cannot be kept end their task with an error, and are counted once", async () => {
      const { consumer } = own("w");
      await queue.producer.enqueue(["a", "b"].map((id) => ({ kind: "k", payload: 1, id })));
      const tasks = (await consumer.read(2, 20)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const [a, b] = tasks as [DeliveredTask, DeliveredTask];
      const store: ResultStore = Object.assign(Object.create(open(folder, "w")), {
        save: async () => [{ failure: "no room" }, { failure: "no room" }],
      });
      const error = { message: "exit status 3", reason: "exit" as const };
      const failed: SettleItem = {
        ...item(b),
        result: resultOf(b, { status: "error", error, output: "log" }),
      };
      const { settle, unsaved } = saving(store, consumer);
      assert.deepEqual(await settle([item(a), failed]), [true, true]);
      const why = `its result could not be kept (${name}): no room`;
      const shown = (await reader(queue, folder).read(["a", "b"])).map(
        (outcome) => outcome.state === "settled" && [outcome.result.status, outcome.result.error],
      );
      assert.deepEqual(shown, [
        ["error", { message: why, reason: "result" }],
        ["error", { message: `exit status 3; ${why}`, reason: "exit" }],
      ]);
      assert.deepEqual(unsaved, ["a: no room", "b: no room"]);
      const stats = await queue.stats();
      assert.deepEqual(
        [stats[`unsaved:${name}`], stats["fail:k:result"], stats["fail:k:exit"], stats["live:k"]],
        ["2", "1", "1", "0"],
      );
      assert.equal(await queue.redis.xlen(queue.stream), 0);
    });

    it("that JSON cannot hold are a failure of their own, and no other's", async () => {
      const { store, consumer } = own("w");
      await queue.push();
      await queue.push();
      const [bad, good] = (await consumer.read(2, 20)) as [DeliveredTask, DeliveredTask];
      const output = {
        toJSON: () => {
          throw new RangeError("Invalid string length");
        },
      };
      const { settle, unsaved } = saving(store, consumer);
      assert.deepEqual(await settle([item(bad, output), item(good, "fine")]), [true, true]);
      assert.deepEqual(unsaved, [`${bad.id}: Invalid string length`]);
      assert.deepEqual(await outputs(good.id), ["fine"]);
    });

    it("expire, and are swept then; what is needed stays", async () => {
      const { store, consumer } = own("w");
      const ids = ["old", "kept", "held"];
      await queue.producer.enqueue(ids.map((id) => ({ kind: "k", payload: 1, id })));
      const tasks = new Map((await consumer.read(3, 20)).map((task) => [task.id, task]));
      const [old, kept, held] = ids.map((id) => item(tasks.get(id) as DeliveredTask, id));
      await saving(store, consumer).settle([old as SettleItem, kept as SettleItem]);
      // Its worker has not settled it yet, however long that takes.
      await store.save([held as SettleItem]);
      await queue.redis.pexpire(`${queue.keys.results}old`, 1);
      await waitFor("the end of a result's time", async () => (await outputs("old"))[0] === "open");
      const files = name === "fs" ? 3 : 0;
      assert.equal(await sweep(store, queue, NOW + 1), 0);
      assert.equal(filesIn(folder).length, files);
      assert.equal(await sweep(store, queue, LATER), files === 0 ? 0 : 1);
      assert.equal(filesIn(folder).length, files === 0 ? 0 : 2);
      assert.deepEqual(await outputs(...ids), ["open", "kept", "open"]);
      assert.deepEqual(await saving(store, consumer).settle([held as SettleItem]), [true]);
      assert.deepEqual(await outputs("held"), ["held"]);
    });
  });
