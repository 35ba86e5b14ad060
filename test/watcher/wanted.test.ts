import assert from "node:assert/strict";
import type { ScalingReason } from "../../worker/contract/scaling.ts";
import { parseWatchedServices } from "../../worker/contract/watched-services.ts";
import { wantedWorkers } from "../../worker/src/watcher/wanted.ts";

const record = (desired: number, reason: ScalingReason) => ({
  ...{ desired, reason, idleSinceMs: null, decidedAtMs: 0, pending: 0 },
  ...{ busyWorkers: 0, liveWorkers: 0, address: "" },
});
const LAW = { mode: "law" } as const;

describe("watch-queue: how many are wanted", () => {
  it("what was decided last, also while the law only holds", () => {
    assert.equal(wantedWorkers(record(4, "backlog"), LAW), 4);
    assert.equal(wantedWorkers(record(0, "idle"), LAW), 0);
    assert.equal(wantedWorkers(record(3, "hold"), LAW), 3);
  });

  it("nobody says, before the first decision and under an order that is over", () => {
    assert.equal(wantedWorkers(null, LAW), null);
    assert.equal(wantedWorkers(record(9, "manual"), LAW), null);
    assert.equal(wantedWorkers(record(9, "paused"), LAW), null);
  });

  it("an operator's number, before the spawner has heard of it", () => {
    assert.equal(wantedWorkers(record(4, "backlog"), { mode: "manual", workers: 7, atMs: 0 }), 7);
    assert.equal(wantedWorkers(null, { mode: "manual", workers: 0, atMs: 0 }), 0);
    assert.equal(wantedWorkers(record(4, "backlog"), { mode: "paused", atMs: 0 }), null);
  });
});

describe("watch-queue: which services it watches", () => {
  it("reads services with their streams", () => {
    assert.deepEqual(parseWatchedServices(["worker=peagen.tasks", "worker-gpu=peagen.tasks.gpu"]), {
      services: [
        { service: "worker", stream: "peagen.tasks" },
        { service: "worker-gpu", stream: "peagen.tasks.gpu" },
      ],
      wrong: [],
    });
  });

  it("names what has another form, and a service or stream that stands twice", () => {
    const items = ["a=x", "b", "=x", "c=", "a=y", "d=x", "e=x y", "-f=z"];
    assert.deepEqual(parseWatchedServices(items).wrong, ["b", "=x", "c=", "a=y", "d=x", "e=x y", "-f=z"]);
  });
});
