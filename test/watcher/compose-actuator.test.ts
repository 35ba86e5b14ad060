import assert from "node:assert/strict";
import { ComposeActuator } from "../../worker/src/adapters/compose/compose-actuator.ts";
import type { WorkerContainer } from "../../worker/src/adapters/compose/container.ts";
import type { ContainerEvent } from "../../worker/src/adapters/compose/engine-events.ts";
import type { Drain } from "../../worker/src/adapters/redis/drains.ts";

const NOW = 10_000_000;

function container(id: string, more: Partial<WorkerContainer> = {}): WorkerContainer {
  return {
    ...{ id, run: `${id}@1`, host: id, revision: "r1", state: "running", startedAt: NOW - 5_000 },
    ...{ exitCode: 0, oomKilled: false, stopMs: 30_000 },
    ...more,
  };
}

const event = (
  type: ContainerEvent["type"],
  id: string,
  more: Partial<ContainerEvent> = {},
): ContainerEvent => ({
  ...{ type, id, service: "worker", exitCode: 0, signal: 0 },
  ...more,
});

/** An actuator over an engine that the test sets, and what was done to it. */
function world(kept = new Map<string, Drain>()) {
  const now = { ms: NOW, containers: [] as WorkerContainer[], away: false };
  const done: string[] = [];
  const drains = new Map(kept);
  const make = () =>
    new ComposeActuator({
      service: "worker",
      engine: {
        containers: async () => now.containers,
        kill: async (ids, signal) => {
          if (now.away) throw new Error("the engine is away");
          if (ids.length > 0) done.push(`${signal} ${ids.join()}`);
        },
        remove: async (ids) => {
          if (ids.length > 0) done.push(`remove ${ids.join()}`);
          now.containers = now.containers.filter(({ id }) => !ids.includes(id));
        },
      },
      up: async (replicas) => {
        done.push(`up ${replicas}`);
        const made = replicas - now.containers.length;
        const fresh = Array.from({ length: made }, (_, i) => container(`new${i}`));
        now.containers = [...now.containers, ...fresh];
      },
      drains: {
        read: async () => new Map(drains),
        add: async (runs, drain) => {
          for (const run of runs) drains.set(run, drain);
        },
        drop: async (runs) => {
          for (const run of runs) drains.delete(run);
        },
      },
      now: () => now.ms,
      ended: ({ id, reason }) => done.push(`ended ${id} ${reason}`),
    });
  const actuator = make();
  const recorded: string[] = [];
  const look = async (by = actuator) => {
    await by.list();
    await by.reap(async ({ workerId, host, reason }) => {
      recorded.push(`${workerId} ${host} ${reason}`);
    });
    return by.endLate();
  };
  return { now, done, drains, actuator, recorded, look, make };
}

describe("watch-queue: the actuator of Compose", () => {
  it("lists who lives, by revision, and who was asked to end, also by a watcher before", async () => {
    const { now, actuator } = world(new Map([["b@1", { reason: "idle", atMs: NOW }]]));
    now.containers = [container("a", { revision: "r2" }), container("b"), container("c", { state: "ended" })];
    const shared = { startedAt: NOW - 5_000 };
    assert.deepEqual(await actuator.list(), [
      { workerId: "a", host: "a", revision: "r2", ...shared, draining: false },
      { workerId: "b", host: "b", revision: "r1", ...shared, draining: true },
    ]);
  });

  it("has Compose make more than there are now, those included that end", async () => {
    const { now, actuator, done } = world();
    now.containers = [container("a")];
    await actuator.list();
    // Started by hand since.
    now.containers = [container("a"), container("b", { state: "ended" }), container("c")];
    assert.deepEqual(await actuator.start(2), ["new0", "new1"]);
    assert.deepEqual(done, ["up 5"]);
  });

  it("asks each to end once, by id, and kills it when its time is over", async () => {
    const { now, actuator, done, drains, look } = world();
    now.containers = [container("a"), container("b"), container("c", { state: "created" })];
    await look();
    await actuator.drain(["a", "c", "x"], "idle");
    await actuator.drain(["a"], "signal");
    assert.deepEqual(done, ["TERM a"]);
    assert.deepEqual([...drains], [["a@1", { reason: "idle", atMs: NOW }]]);
    now.ms += 30_000;
    assert.deepEqual(await look(), []);
    now.ms += 1;
    assert.deepEqual(await look(), ["a"]);
    assert.deepEqual(done, ["TERM a", "KILL a"]);
    now.containers = [container("a", { state: "ended", exitCode: 137 }), container("b")];
    await look();
    assert.deepEqual(done.slice(2), ["ended a timeout", "remove a"]);
    assert.deepEqual([...drains], []);
  });

  it("has asked nobody when the engine did not hear it", async () => {
    const { now, actuator, drains, look, done } = world();
    now.containers = [container("a")];
    await look();
    now.away = true;
    await assert.rejects(actuator.drain(["a"], "idle"), /the engine is away/);
    now.away = false;
    now.ms += 60_000;
    assert.deepEqual(await look(), []);
    assert.deepEqual([[...drains], done], [[], []]);
    await actuator.drain(["a"], "idle");
    assert.deepEqual(done, ["TERM a"]);
  });

  it("counts an end by its run, once, and then removes the container", async () => {
    const { now, actuator, done, recorded, look } = world();
    now.containers = [container("a")];
    await look();
    assert.equal(actuator.heard(event("die", "a", { exitCode: 1 })), true);
    now.containers = [container("a", { state: "ended", exitCode: 1 })];
    await look();
    // The event of its removal comes late.
    actuator.heard(event("die", "a", { exitCode: 1 }));
    await look();
    assert.deepEqual(recorded, ["a@1 a error"]);
    assert.deepEqual(done, ["ended a error", "remove a"]);
  });

  it("keeps a container whose end could not be counted, and counts it later", async () => {
    const { now, actuator, done } = world();
    now.containers = [container("a", { state: "ended" })];
    await actuator.list();
    await assert.rejects(
      actuator.reap(async () => {
        throw new Error("Redis is away");
      }),
      /Redis is away/,
    );
    assert.deepEqual(done, []);
    assert.deepEqual(await actuator.reap(async () => {}), ["a"]);
    assert.deepEqual(done, ["ended a success", "remove a"]);
  });

  it("counts those that others removed by what their events said", async () => {
    const { now, actuator, recorded, look } = world();
    now.containers = [container("a"), container("b"), container("c"), container("d")];
    await look();
    actuator.heard(event("kill", "a", { signal: 15 }));
    actuator.heard(event("die", "a", { exitCode: 0 }));
    actuator.heard(event("oom", "b"));
    actuator.heard(event("die", "b", { exitCode: 137 }));
    actuator.heard(event("kill", "c", { signal: 9 }));
    // Started and gone between two looks.
    actuator.heard(event("die", "e", { exitCode: 2 }));
    now.containers = [container("d")];
    await look();
    await look();
    assert.deepEqual(recorded, ["a@1 a signal", "b@1 b error", "c@1 c error", "e e error"]);
  });

  it("remembers who was stopped by hand, for a watcher after it", async () => {
    const { now, actuator, drains, look, make, recorded } = world();
    now.containers = [container("a")];
    await look();
    actuator.heard(event("kill", "a", { signal: 15 }));
    await look();
    assert.deepEqual([...drains], [["a@1", { reason: "signal", atMs: NOW }]]);
    now.containers = [container("a", { state: "ended" })];
    await look(make());
    assert.deepEqual(recorded, ["a@1 a signal"]);
  });

  it("takes a container that was started again for another run", async () => {
    const { now, actuator, recorded, look } = world();
    now.containers = [container("a", { state: "ended", exitCode: 1 })];
    await look();
    actuator.heard(event("start", "a"));
    actuator.heard(event("die", "a", { exitCode: 0 }));
    now.containers = [container("a", { run: "a@2", state: "ended" })];
    await look();
    assert.deepEqual(recorded, ["a@1 a error", "a@2 a success"]);
  });

  it("removes what Compose made and did not start, after a minute, without counting it", async () => {
    const { now, done, recorded, look } = world();
    now.containers = [container("a", { state: "created", startedAt: NOW })];
    now.ms = NOW + 60_000;
    await look();
    assert.deepEqual(done, []);
    now.ms += 1;
    await look();
    assert.deepEqual([done, recorded], [["remove a"], []]);
  });
});
