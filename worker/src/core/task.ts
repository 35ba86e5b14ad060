import type { Priority } from "../../contract/priorities.ts";
import type { AttemptError } from "../../contract/records.ts";

/** Options that travel with a task; absent ones take the handler's or the fleet's value. */
export interface TaskOptions {
  /** Wall-clock limit of one attempt, in ms. */
  readonly timeoutMs?: number;
  /** Runs in all before the dead-letter queue. */
  readonly maxAttempts?: number;
  /** Its share of the workers while more waits than they can do. Default: `normal`. */
  readonly priority?: Priority;
  /** Whom the record names as the task's agent: 1 to 128 characters of `A-Z a-z 0-9 . _ : -`. Default: the task's own id. */
  readonly agentId?: string;
  /** The trace that its attempts belong to, as in W3C's header of this name. Default: none, or one of the fleet's own. */
  readonly traceparent?: string;
  /** W3C's header of this name; counts only with a `traceparent`. */
  readonly tracestate?: string;
}

/** A task as pushed. */
export interface NewTask extends TaskOptions {
  readonly kind: string;
  /** Any JSON value that fits the kind's schema. */
  readonly payload: unknown;
  /**
   * The task's id, 1 to 128 characters of `A-Z a-z 0-9 . _ : -`. Give one to make the push idempotent: while a task of that
   * id waits, runs, is dead-lettered or has a result, a second push of it is a no-op. Default: a new UUIDv7.
   */
  readonly id?: string;
  /** How long to wait before it may run, in ms. Default 0. */
  readonly delayMs?: number;
}

/** Where an entry stands: ids of entries are unique in one stream only. */
export interface EntryPlace {
  /** The queue's stream. */
  readonly stream: string;
  /** Which of the queue's streams the entry stands in. */
  readonly priority: Priority;
  readonly entryId: string;
}

/** A task as a worker holds it. */
export interface DeliveredTask extends EntryPlace {
  /** The consumer group's delivery count of this entry: with the consumer's name, the fence. */
  readonly deliveryCount: number;
  readonly id: string;
  readonly kind: string;
  readonly payloadText: string;
  readonly options: TaskOptions;
  readonly enqueuedAt: number;
  /** Failed attempts so far. */
  readonly attempts: number;
  /** How often it was taken back from a worker that died with it. */
  readonly deliveries: number;
  readonly errors: readonly AttemptError[];
  /** Of a traced task: the entry that it had before, and why it has another. */
  readonly prior?: { readonly entryId: string; readonly why: "retry" | "redelivery" };
}
