import assert from "node:assert/strict";
import type { ResultRecord } from "../../worker/contract/records.ts";
import type { TaskOutcome } from "../../worker/src/adapters/redis/results.ts";
import type { MapFile } from "../../worker/src/cli/map/batches.ts";
import { type MapParts, MapStopped, runMap, WINDOW } from "../../worker/src/cli/map/run-map.ts";
import { waitFor } from "../support/wait.ts";

const record: ResultRecord = {
  v: 1,
  id: "",
  kind: "execute",
  status: "success",
  attempts: 1,
  enqueued_at: 0,
  finished_at: 0,
  handler_version: "1",
  image_tag: "",
  worker_id: "w",
};
const done: TaskOutcome = { state: "settled", result: record };

/** A queue of which the test settles tasks when it likes. */
class FakeQueue {
  readonly pushed: string[] = [];
  readonly emitted: string[] = [];
  readonly ending = new AbortController();
  readonly #listeners = new Map<string, () => void>();
  pushError: Error | undefined;

  readonly parts: MapParts = {
    taskOf: ({ name }) => ({ kind: "execute", payload: {}, id: name }),
    push: async (tasks) => {
      if (this.pushError !== undefined) throw this.pushError;
      this.pushed.push(...tasks.map(({ id = "" }) => id));
    },
    wait: (ids, { signal, onOutcome }) =>
      new Promise<void>((resolve) => {
        let left = ids.length;
        signal.addEventListener("abort", () => resolve());
        for (const id of ids)
          this.#listeners.set(id, () => {
            onOutcome(id, done);
            left -= 1;
            if (left === 0) resolve();
          });
      }),
    emit: (results) => this.emitted.push(...results.map(({ file }) => file.name)),
    taken: async () => {},
    signal: this.ending.signal,
  };

  settle(names: readonly string[]): void {
    for (const name of names) this.#listeners.get(name)?.();
  }
}

const filesOf = (amount: number, size = 1): MapFile[] =>
  Array.from({ length: amount }, (_, index) => ({ index, name: `f${index}`, size }));
const namesOf = (files: readonly MapFile[]) => files.map(({ name }) => name);

describe("the window of a map", () => {
  it("pushes no more than 1024 files ahead of the first missing result", async () => {
    const queue = new FakeQueue();
    const files = filesOf(3000);
    const end = runMap(files, queue.parts);
    await waitFor("a full window", () => queue.pushed.length === WINDOW.files);
    // All but the first are done: nothing can be printed, so nothing more may be pushed.
    queue.settle(namesOf(files.slice(1, WINDOW.files)));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(queue.pushed.length, WINDOW.files);
    assert.deepEqual(queue.emitted, []);
    queue.settle(["f0"]);
    await waitFor("the next window", () => queue.pushed.length === 2 * WINDOW.files);
    assert.equal(queue.emitted.length, WINDOW.files);
    queue.settle(namesOf(files.slice(WINDOW.files, 2 * WINDOW.files)));
    await waitFor("the rest", () => queue.pushed.length === 3000);
    queue.settle(namesOf(files.slice(2 * WINDOW.files)));
    assert.deepEqual(await end, []);
    assert.deepEqual(queue.emitted, namesOf(files));
  });

  it("pushes no more than 32 MiB ahead", async () => {
    const queue = new FakeQueue();
    const files = filesOf(100, 1024 * 1024);
    const end = runMap(files, queue.parts);
    await waitFor("a full window", () => queue.pushed.length === 32);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(queue.pushed.length, 32);
    queue.ending.abort();
    assert.deepEqual(await end, namesOf(files.slice(0, 32)));
  });

  it("gives the ids that are open when it is aborted, those with a result not printed yet excepted", async () => {
    const queue = new FakeQueue();
    const end = runMap(filesOf(4), queue.parts);
    await waitFor("the push", () => queue.pushed.length === 4);
    queue.settle(["f0", "f2"]);
    queue.ending.abort();
    assert.deepEqual(await end, ["f1", "f3"]);
    assert.deepEqual(queue.emitted, ["f0"]);
  });

  it("names the tasks that may be in the queue when a push fails, and why it failed", async () => {
    const queue = new FakeQueue();
    queue.pushError = new Error("full");
    await assert.rejects(runMap(filesOf(2), queue.parts), (error) => {
      assert.ok(error instanceof MapStopped);
      assert.deepEqual([error.open, error.cause], [["f0", "f1"], queue.pushError]);
      return true;
    });
  });
});
