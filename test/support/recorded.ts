import assert from "node:assert/strict";
import type { RunChange, RunEvent } from "../../worker/contract/run-events.ts";
import { RecordStream } from "../../worker/src/adapters/redis/record-stream.ts";
import { BEFORE_ALL } from "../../worker/src/ports/run-event-source.ts";
import type { TestQueue } from "./queue.ts";

/** Far more than any test tells. */
export const ROOM = 1_000_000_000;

/** The record's side of a test's queue, switched on. */
export class Recorded {
  readonly stream: RecordStream;

  private constructor(queue: TestQueue) {
    this.stream = new RecordStream(queue.redis, queue.stream);
  }

  static async on(queue: TestQueue, bytes = ROOM): Promise<Recorded> {
    const recorded = new Recorded(queue);
    await recorded.stream.on(bytes);
    return recorded;
  }

  /** All that was told since the last call; each event tells of as many tasks as it says. */
  async told(): Promise<RunEvent[]> {
    const entries = await this.stream.read(BEFORE_ALL, Number.MAX_SAFE_INTEGER);
    await this.stream.trim(entries.at(-1)?.id ?? BEFORE_ALL);
    return entries.map(({ rows, event }) => {
      assert(event !== undefined);
      assert.equal(event.changes.length, rows);
      return event;
    });
  }
}

export type ModelStatus = "queued" | "running" | "success" | "error" | "cancelled" | "dead";

/** What changes make of the tasks: a status each, and how often each ended. */
export class RunModel {
  readonly status = new Map<string, ModelStatus>();
  readonly ends = new Map<string, number>();

  apply(change: RunChange): void {
    const { id, type } = change;
    switch (type) {
      case "progressed":
        return;
      case "began":
        this.status.set(id, "running");
        return;
      case "settled":
        this.#end(id, change.status);
        return;
      case "buried":
        this.#end(id, "dead");
        return;
      case "cancelled":
        this.#end(id, "cancelled");
        return;
      default:
        this.status.set(id, "queued");
    }
  }

  #end(id: string, status: ModelStatus): void {
    this.status.set(id, status);
    this.ends.set(id, (this.ends.get(id) ?? 0) + 1);
  }
}
