import type { Redis } from "ioredis";
import { type QueueKeys, queueKeys } from "../../../contract/queue-keys.ts";
import type { DeadLetter, ResultRecord } from "../../../contract/records.ts";
import type { Outputs } from "../files/outputs.ts";
import { replies } from "./connection.ts";

/** How a task stands: ended with a result, dead-lettered, or `open`: it waits, runs, or is not known. */
export type TaskOutcome =
  | { readonly state: "settled"; readonly result: ResultRecord }
  | { readonly state: "dead"; readonly letter: DeadLetter }
  | { readonly state: "open" };

/** An outcome; `unknown`: no task has the id, or none any more. */
export type KnownOutcome = TaskOutcome | { readonly state: "unknown" };

export interface WaitOptions {
  /** Ends the wait; what is known by then is returned. */
  readonly signal?: AbortSignal;
  /** Called once for each task that has ended, as soon as that is known. */
  readonly onOutcome?: (id: string, outcome: TaskOutcome) => void;
}

const MOST_IDS_PER_COMMAND = 1_000;
const OUTPUTS_AT_ONCE = 16;

/** Reads results of one stream's tasks, and waits for them without polling. */
export class Results {
  readonly #redis: Redis;
  readonly #subscriberOf: () => Redis;
  readonly #keys: QueueKeys;
  readonly #outputs: Outputs;

  /** `subscriber`: a connection of profile `subscriber`, or how to make one when the first wait needs it. */
  constructor(redis: Redis, subscriber: Redis | (() => Redis), stream: string, outputs: Outputs) {
    this.#redis = redis;
    this.#outputs = outputs;
    this.#keys = queueKeys(stream);
    let made: Redis | undefined;
    this.#subscriberOf = () => {
      made ??= typeof subscriber === "function" ? subscriber() : subscriber;
      return made;
    };
  }

  /**
   * Outcomes in the order of the ids, in one round trip.
   * @throws ResultUnreadableError when one is kept in a file that cannot be read here
   */
  async read(ids: readonly string[]): Promise<TaskOutcome[]> {
    if (ids.length === 0) return [];
    const batch = this.#redis.pipeline();
    for (let from = 0; from < ids.length; from += MOST_IDS_PER_COMMAND) {
      const part = ids.slice(from, from + MOST_IDS_PER_COMMAND);
      batch.mget(...part.map((id) => this.#keys.results + id));
      batch.hmget(this.#keys.deadLetters, ...part);
    }
    const answers = (await replies(this.#redis, batch)) as (string | null)[][];
    const outcomes: TaskOutcome[] = [];
    for (let i = 0; i + 1 < answers.length; i += 2) {
      answers[i]?.forEach((result, at) => {
        outcomes.push(outcomeOf(result, answers[i + 1]?.[at] ?? null));
      });
    }
    return this.#complete(outcomes);
  }

  /** The same, which also tells what no task is known by from what is open; seen at one moment, in one round trip. */
  async readKnown(ids: readonly string[]): Promise<KnownOutcome[]> {
    const outcomes: KnownOutcome[] = [];
    const looks = partsOf(ids).map(async (part) => {
      const look = this.#redis.multi().hmget(this.#keys.index, ...part);
      look.mget(...part.map((id) => this.#keys.results + id)).hmget(this.#keys.deadLetters, ...part);
      return (await replies(this.#redis, look)) as (string | null)[][];
    });
    for (const [places, results, letters] of await Promise.all(looks))
      places?.forEach((place, at) => {
        const outcome = outcomeOf(results?.[at] ?? null, letters?.[at] ?? null);
        outcomes.push(outcome.state === "open" && place === null ? { state: "unknown" } : outcome);
      });
    return this.#complete(outcomes);
  }

  /** Which of these ids no task has: none waits, runs, is dead or has a result (any more). Seen at one moment. */
  async unknown(ids: readonly string[]): Promise<Set<string>> {
    const unknown = new Set<string>();
    for (let from = 0; from < ids.length; from += MOST_IDS_PER_COMMAND) {
      const part = ids.slice(from, from + MOST_IDS_PER_COMMAND);
      const look = this.#redis.multi().hmget(this.#keys.index, ...part);
      look.mget(...part.map((id) => this.#keys.results + id)).hmget(this.#keys.deadLetters, ...part);
      const answers = (await replies(this.#redis, look)) as (string | null)[][];
      part.forEach((id, at) => {
        if (answers.every((found) => (found[at] ?? null) === null)) unknown.add(id);
      });
    }
    return unknown;
  }

  /**
   * Waits until every task has ended and returns their outcomes by id. Listens to the settled channel, and
   * reads again whenever the connection comes back, so that nothing is missed. When `signal` aborts, it
   * returns early, with `open` for what has not ended.
   */
  async wait(ids: readonly string[], options: WaitOptions = {}): Promise<Map<string, TaskOutcome>> {
    const wait = new Wait(ids, (some) => this.read(some), options.onOutcome);
    await wait.check(ids);
    if (wait.finished || options.signal?.aborted === true) return wait.outcomes;
    const subscriber = this.#subscriberOf();
    const channel = this.#keys.settledChannel;
    const onMessage = (from: string, message: string) => {
      if (from === channel) wait.hear(message.split(" "));
    };
    // The subscription is confirmed before the read, or a task could end unheard between the two.
    const onReady = () => {
      subscriber.subscribe(channel).then(
        () => wait.hear(wait.openIds()),
        (error: unknown) => wait.fail(error),
      );
    };
    const onAbort = () => wait.stop();
    subscriber.on("message", onMessage);
    subscriber.on("ready", onReady);
    options.signal?.addEventListener("abort", onAbort);
    try {
      onReady();
      await wait.done;
    } finally {
      subscriber.off("message", onMessage);
      subscriber.off("ready", onReady);
      options.signal?.removeEventListener("abort", onAbort);
    }
    return wait.outcomes;
  }

  /** Those whose output lies elsewhere get it. */
  async #complete<Outcome extends KnownOutcome>(outcomes: Outcome[]): Promise<Outcome[]> {
    if (!outcomes.some(isElsewhere)) return outcomes;
    const complete: Outcome[] = [];
    for (let from = 0; from < outcomes.length; from += OUTPUTS_AT_ONCE)
      complete.push(
        ...(await Promise.all(
          outcomes
            .slice(from, from + OUTPUTS_AT_ONCE)
            .map(async (outcome) =>
              isElsewhere(outcome)
                ? { ...outcome, result: await this.#outputs.load(outcome.result) }
                : outcome,
            ),
        )),
      );
    return complete;
  }
}

/** The state of one wait: what is open, what was heard of, one read at a time. */
class Wait {
  readonly outcomes: Map<string, TaskOutcome>;
  readonly done: Promise<void>;
  readonly #open: Set<string>;
  readonly #heard = new Set<string>();
  readonly #read: (ids: readonly string[]) => Promise<TaskOutcome[]>;
  readonly #onOutcome: ((id: string, outcome: TaskOutcome) => void) | undefined;
  readonly #end: { resolve: () => void; reject: (error: unknown) => void };
  #reading = false;

  constructor(
    ids: readonly string[],
    read: (ids: readonly string[]) => Promise<TaskOutcome[]>,
    onOutcome: ((id: string, outcome: TaskOutcome) => void) | undefined,
  ) {
    this.#open = new Set(ids);
    this.outcomes = new Map(ids.map((id) => [id, { state: "open" }]));
    this.#read = read;
    this.#onOutcome = onOutcome;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.#end = { resolve, reject };
    // Nobody may be waiting yet when a read fails.
    promise.catch(() => {});
  }

  get finished(): boolean {
    return this.#open.size === 0;
  }

  openIds(): string[] {
    return [...this.#open];
  }

  /** Ids that may have ended; they are read with the next batch. */
  hear(ids: readonly string[]): void {
    for (const id of ids) if (this.#open.has(id)) this.#heard.add(id);
    if (this.#reading || this.#heard.size === 0) return;
    this.#reading = true;
    this.#drain().catch((error: unknown) => this.fail(error));
  }

  async check(ids: readonly string[]): Promise<void> {
    const outcomes = await this.#read(ids);
    ids.forEach((id, i) => {
      const outcome = outcomes[i];
      if (outcome === undefined || outcome.state === "open" || !this.#open.delete(id)) return;
      this.outcomes.set(id, outcome);
      this.#onOutcome?.(id, outcome);
    });
    if (this.finished) this.stop();
  }

  stop(): void {
    this.#end.resolve();
  }

  fail(error: unknown): void {
    this.#end.reject(error);
  }

  async #drain(): Promise<void> {
    while (this.#heard.size > 0) {
      const batch = [...this.#heard];
      this.#heard.clear();
      await this.check(batch);
    }
    this.#reading = false;
  }
}

function isElsewhere(outcome: KnownOutcome): outcome is Extract<KnownOutcome, { state: "settled" }> {
  return outcome.state === "settled" && outcome.result.stored !== undefined;
}

function partsOf(ids: readonly string[]): string[][] {
  const amount = Math.ceil(ids.length / MOST_IDS_PER_COMMAND);
  return Array.from({ length: amount }, (_, part) =>
    ids.slice(part * MOST_IDS_PER_COMMAND, (part + 1) * MOST_IDS_PER_COMMAND),
  );
}

function outcomeOf(result: string | null, letter: string | null): TaskOutcome {
  if (result !== null) return { state: "settled", result: JSON.parse(result) as ResultRecord };
  if (letter !== null) return { state: "dead", letter: JSON.parse(letter) as DeadLetter };
  return { state: "open" };
}
