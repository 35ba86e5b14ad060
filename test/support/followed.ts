import assert from "node:assert/strict";
import { isLastState, type SessionEvent } from "../../worker/contract/sessions.ts";
import { SessionStore } from "../../worker/src/adapters/redis/sessions.ts";
import { newHolder, newSessionToken, sessionTag } from "../../worker/src/core/session-token.ts";
import type { TestQueue } from "./queue.ts";

const HOUR_MS = 3_600_000;
const LIMITS = {
  ...{ totalMs: HOUR_MS, connectedMs: HOUR_MS, resumeMs: HOUR_MS },
  ...{ perClient: 10, tasks: 100, events: 10_000 },
};
const STATES = { success: "succeeded", error: "failed", cancelled: "cancelled" } as const;

/** A session that follows tasks of a test's queue, and judges what it is told of them. */
export class Followed {
  readonly last = new Map<string, SessionEvent>();
  /** How often each task's end was told. */
  readonly ends = new Map<string, number>();
  readonly #store: SessionStore;
  readonly #tag: string;
  #number = 0;

  private constructor(queue: TestQueue, tag: string) {
    this.#store = new SessionStore(queue.redis, queue.stream, LIMITS);
    this.#tag = tag;
  }

  static async open(queue: TestQueue): Promise<Followed> {
    const followed = new Followed(queue, sessionTag(newSessionToken()));
    assert.equal(await followed.#store.open({ tag: followed.#tag, holder: newHolder() }, "key:k"), true);
    return followed;
  }

  /** Follows those of them that have not ended. */
  async follow(ids: readonly string[]): Promise<void> {
    await this.#store.follow(this.#tag, ids, true);
  }

  /** Takes what was told since the last call. */
  async hear(): Promise<void> {
    for (const { number, event } of await this.#store.read(this.#tag, this.#number, 10_000)) {
      assert.equal(number, ++this.#number, "no event is missing or told twice");
      this.#judge(event, this.last.get(event.id));
      this.last.set(event.id, event);
      if (isLastState(event.state)) this.ends.set(event.id, (this.ends.get(event.id) ?? 0) + 1);
    }
  }

  /** What the session knows of a task is how it stands, in the words of results; `queued` where no run was announced. */
  agree(id: string, status: string): void {
    const state = this.last.get(id)?.state;
    const expected = Object.hasOwn(STATES, status) ? STATES[status as keyof typeof STATES] : status;
    const waits = expected === "queued" && state === "retrying";
    assert.equal(waits ? "queued" : state, expected, `what the session is told of ${id}`);
  }

  #judge(event: SessionEvent, before: SessionEvent | undefined): void {
    const { id, state, attempt, reason } = event;
    const what = `${id}: ${before?.state} ${before?.attempt}, then ${state} ${attempt} ${reason}`;
    // One that a worker held when it was followed is told again once its start is known.
    const isStart = before?.started_at === undefined && event.started_at !== undefined;
    if (state === "running" && !isStart) assert.notEqual(before?.state, "running", what);
    const ran = state === "succeeded" || state === "retrying" || (state === "dead" && reason === "handler");
    if (ran) assert.deepEqual([before?.state, before?.attempt], ["running", attempt], what);
  }
}
