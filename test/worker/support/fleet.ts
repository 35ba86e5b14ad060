import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DeadLetter, ResultRecord } from "../../../worker/contract/records.ts";
import { openQueue, type TestQueue } from "../../support/queue.ts";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";
import { type ProcessUser, WorkerProcess } from "./worker-process.ts";

/** A queue with workers on it. Also promotes what is due, as a spawner would. */
export class TestFleet {
  readonly queue: TestQueue;
  readonly #workers: WorkerProcess[] = [];
  readonly #promoting: NodeJS.Timeout;

  constructor(server: TestRedis) {
    this.queue = openQueue(server);
    this.#promoting = setInterval(() => void this.queue.keeper.promote(100).catch(() => {}), 20);
  }

  /** `main`: the worker image's entry; by default the source tree's. */
  worker(
    environment?: Readonly<Record<string, string>>,
    role?: "worker" | "supervise",
    main?: string,
    user?: ProcessUser,
  ): WorkerProcess {
    const worker = new WorkerProcess(this.queue, environment, role, main, user);
    this.#workers.push(worker);
    return worker;
  }

  push(kind: string, payload: unknown = {}, options: object = {}): Promise<string> {
    return this.queue.push({ kind, payload, ...options });
  }

  /** Waits for a task's result. */
  async result(id: string): Promise<ResultRecord> {
    const outcome = await waitFor(`the end of ${id}`, async () => {
      const [found] = await this.queue.results.read([id]);
      return found === undefined || found.state === "open" ? undefined : found;
    });
    assert.equal(outcome.state, "settled", JSON.stringify(outcome));
    return (outcome as { result: ResultRecord }).result;
  }

  /** Waits for a task's place among the dead letters. */
  async letter(id: string): Promise<DeadLetter> {
    const outcome = await waitFor(`the burial of ${id}`, async () => {
      const [found] = await this.queue.results.read([id]);
      return found === undefined || found.state === "open" ? undefined : found;
    });
    assert.equal(outcome.state, "dead", JSON.stringify(outcome));
    return (outcome as { letter: DeadLetter }).letter;
  }

  async stat(name: string): Promise<string | undefined> {
    return (await this.queue.stats())[name];
  }

  async close(): Promise<void> {
    clearInterval(this.#promoting);
    await Promise.all(this.#workers.map((worker) => worker.remove()));
    this.queue.close();
  }
}

export interface FleetInFolder {
  readonly server: TestRedis;
  readonly fleet: TestFleet;
  /** Empty, and gone after the test. */
  readonly folder: string;
}

/** Gives every test of a suite a fleet and a folder of its own; the suite's tests share one server. */
export function withFleetInFolder(use: (made: FleetInFolder) => void): void {
  let server: TestRedis;
  let fleet: TestFleet;
  let folder: string;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  beforeEach(() => {
    fleet = new TestFleet(server);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-worker-"));
    use({ server, fleet, folder });
  });
  afterEach(async () => {
    await fleet.close();
    rmSync(folder, { recursive: true });
  });
}
