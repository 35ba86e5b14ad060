import assert from "node:assert/strict";
import { TaskPlaces } from "../../worker/src/adapters/redis/task-places.ts";
import { type RecordedQueue, runOf, withRecord } from "../record/support.ts";
import { age } from "../support/queue.ts";
import { makeKey, TestApi } from "./support.ts";

describe("POST /api/runs/reset", function () {
  this.timeout(60_000);
  let record: RecordedQueue;
  let api: TestApi;
  withRecord((made) => {
    record = made;
  });
  beforeEach(async () => {
    api = await TestApi.start(record.queue, {}, { runs: record.store });
  });
  afterEach(() => api.close());

  it("answers what became of each run, and changes nothing when dry", async () => {
    const { queue, store } = record;
    const places = new TaskPlaces(queue.redis, queue.stream);
    await places.publishLimits({ leaseMs: 600_000, maxDeliveries: 5 });
    const consumer = queue.consumer("w");
    const ids = [await queue.push(), await queue.push()];
    const tasks = [await queue.take(consumer), await queue.take(consumer)] as const;
    const runs = ids.map((id) => runOf(queue.stream, id, { status: "running", started_at: 1_000 }));
    await store.write(queue.stream, { ids, change: () => ({ runs, lines: [] }) });
    await age(queue, tasks[0], "w", 700_000);
    const run = { kind: "k", status: "running", worker_id: null, since: 1_000 };
    const alive = { id: ids[1], ...run, found: "alive", done: "nothing" };
    const told = async (body: object) => {
      const { status, body: answer } = await api.post("/api/runs/reset", body);
      const found = answer.runs as { id: string }[];
      return [status, answer.dry_run, found.toSorted((a) => (a.id === ids[0] ? -1 : 1))];
    };
    const lost = { id: ids[0], ...run, found: "lost" };
    assert.deepEqual(await told({ dry_run: true }), [200, true, [{ ...lost, done: "nothing" }, alive]]);
    const [held] = await places.find(ids);
    assert.equal(held?.state, "held");
    assert.deepEqual(await told({ older_than_seconds: 60 }), [
      200,
      false,
      [{ ...lost, done: "requeued" }, alive],
    ]);
    assert.deepEqual(
      (await places.find(ids)).map(({ state }) => state),
      ["waiting", "held"],
    );
  });

  it("refuses with problems: another verb, a wrong body, no spawner yet", async () => {
    const { key } = await makeKey(record.queue, ["runs:read"]);
    const asked = async (body: object, as?: string) => {
      const answer = await api.call("POST", "/api/runs/reset", {
        body,
        ...(as !== undefined && { key: as }),
      });
      return [answer.status, answer.body.type];
    };
    assert.deepEqual(await asked({}, key), [403, "urn:taskfleet:problem:forbidden"]);
    assert.deepEqual(await asked({ older_than_seconds: -1 }), [400, "urn:taskfleet:problem:invalid-request"]);
    assert.deepEqual(await asked({ older: 1 }), [400, "urn:taskfleet:problem:invalid-request"]);
    assert.deepEqual(await asked({}), [409, "urn:taskfleet:problem:no-lease"]);
  });
});
