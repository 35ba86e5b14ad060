import assert from "node:assert/strict";
import fc from "fast-check";
import type { Consumer } from "../../../worker/src/adapters/redis/consumer.ts";
import type { DeliveredTask } from "../../../worker/src/core/task.ts";
import { errorOf, resultOf, type TestQueue, withQueue } from "../../support/queue.ts";
import { waitFor } from "../../support/wait.ts";
import { publishKinds, TestApi } from "../support.ts";
import { cutClients, SessionClient } from "./support.ts";

describe("sessions that reconnect", () => {
  let queue: TestQueue;
  let replicas: TestApi[];
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    await publishKinds(queue);
    replicas = [await TestApi.start(queue), await TestApi.start(queue)];
  });
  afterEach(async () => {
    cutClients();
    for (const api of replicas) await api.close();
  });
  const replica = (n: number) => replicas[n % replicas.length] ?? assert.fail();

  /** What happens to one task `r`, step by step, and what a session is told of it. */
  function steps(consumer: Consumer) {
    let held: DeliveredTask | undefined;
    const task = () => held ?? assert.fail();
    const take = async () => {
      held = await queue.take(consumer);
    };
    return [
      take,
      async () => consumer.retry([{ task: task(), error: errorOf(task()), runtimeMs: 1, delayMs: 0 }]),
      take,
      async () => consumer.release([task()]),
      take,
      async () => consumer.settle([{ task: task(), result: resultOf(task()), runtimeMs: 1 }]),
    ];
  }
  const EXPECTED = ["queued", "running 1", "retrying 1", "queued", "running 2", "succeeded 2"];

  /** Connections of one session, one after the other, each at the next replica. */
  class Traveller {
    readonly told: string[] = [];
    #client: SessionClient;
    #at: number;

    constructor(client: SessionClient, at: number) {
      this.#client = client;
      this.#at = at;
    }

    get client(): SessionClient {
      return this.#client;
    }

    /** `lag`: so many of the last events are forgotten, as if the client had not got to them. */
    async move(lag = 0): Promise<void> {
      const { token } = this.#client;
      await this.#client.cut();
      const events = this.#client.events.length;
      const known = events === 0 ? this.#from : String(Number(this.#client.cursor) - Math.min(lag, events));
      this.told.push(...this.#client.states.slice(0, events === 0 ? 0 : Number(known) - Number(this.#from)));
      this.#from = known;
      this.#at++;
      this.#client = await SessionClient.resume(replica(this.#at), token, known);
      await this.#client.next("session");
    }
    #from = "0";

    async all(count: number): Promise<string[]> {
      await this.#client.told(count - this.told.length);
      return [...this.told, ...this.#client.states];
    }
  }

  it("tells every event once and in order, wherever the connection is cut", async () => {
    const consumer = queue.consumer("w");
    const journey = fc.array(fc.tuple(fc.nat(6), fc.nat(2)), { maxLength: 5 });
    let runs = 0;
    const property = fc.asyncProperty(journey, fc.nat(1), async (cuts, from) => {
      runs++;
      const traveller = new Traveller(await SessionClient.open(replica(from)), from);
      const { id } = await traveller.client.push(`r-${runs}`);
      const todo = steps(consumer);
      for (let step = 0; step <= todo.length; step++) {
        for (const [at, lag] of cuts) if (at === step) await traveller.move(lag);
        await todo[step]?.();
      }
      const expected = EXPECTED.map((state) => {
        const [name, attempt] = state.split(" ");
        return [id, name, attempt].filter((fact) => fact !== undefined).join(" ");
      });
      assert.deepEqual(await traveller.all(expected.length), expected);
      await traveller.client.close();
    });
    const examples: [[number, number][], number][] = Array.from({ length: 7 }, (_, at) => [
      [[at, 0]],
      at % 2,
    ]);
    await fc.assert(property, { numRuns: 25, examples, endOnFailure: true });
  });

  it("goes on after Redis has cut all connections", async () => {
    const client = await SessionClient.open(replica(0));
    const { id } = await client.push("a");
    await client.told(1);
    for (const type of ["pubsub", "normal"]) await queue.server.client.call("CLIENT", "KILL", "TYPE", type);
    const consumer = queue.consumer("w");
    const task = await queue.take(consumer);
    await consumer.settle([{ task, result: resultOf(task), runtimeMs: 1 }]);
    assert.deepEqual(await client.told(3), [`${id} queued`, `${id} running 1`, `${id} succeeded 1`]);
    assert.equal(client.ws.readyState, client.ws.OPEN);
  });

  it("says that Redis is silent, and does what is sent again once it answers", async () => {
    const client = await SessionClient.open(replica(0));
    const server = queue.server.process;
    server.kill("SIGSTOP");
    try {
      const refused = await client.push("a");
      const { type } = refused.problem as { type: string };
      assert.equal(type, "urn:taskfleet:problem:redis-unavailable");
    } finally {
      server.kill("SIGCONT");
    }
    const pushed = await waitFor("the push", () => {
      client.say({ type: "push", ref: "a", task: { kind: "k" } });
      return client.messages.find(({ type }) => type === "pushed");
    });
    await queue.producer.cancel([String(pushed.id)]);
    assert.deepEqual(await client.told(2), [`${pushed.id} queued`, `${pushed.id} cancelled`]);
    assert.equal((await queue.stats())["enqueued:k"], "1");
  });
});
