/** Pushes of one moment travel to Redis together. */
import type { Enqueued } from "../adapters/redis/producer.ts";
import type { NewTask } from "../core/task.ts";

type Send = (tasks: readonly NewTask[], texts: readonly string[]) => Promise<Enqueued[]>;

interface Push {
  readonly tasks: readonly NewTask[];
  readonly texts: readonly string[];
  readonly end: PromiseWithResolvers<Enqueued[]>;
}

/** What Redis takes all or none. */
const MOST_TASKS = 500;
const MOST_CHARACTERS = 1024 * 1024;

/** Joins the pushes that are made before the event loop turns, those of one priority. */
export class PushTogether {
  readonly #send: Send;
  #waiting: Push[] = [];

  constructor(send: Send) {
    this.#send = send;
  }

  push(tasks: readonly NewTask[], texts: readonly string[]): Promise<Enqueued[]> {
    // A single task fails or succeeds with its neighbours; a batch of its own has its own answer.
    if (tasks.length > 1) return this.#send(tasks, texts);
    const end = Promise.withResolvers<Enqueued[]>();
    if (this.#waiting.push({ tasks, texts, end }) === 1) setImmediate(() => this.#flush());
    return end.promise;
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    const groups = Map.groupBy(waiting, ({ tasks }) => tasks[0]?.priority ?? "normal");
    for (const group of groups.values()) for (const part of parts(group)) this.#sendPart(part);
  }

  #sendPart(part: readonly Push[]): void {
    this.#send(
      part.flatMap(({ tasks }) => tasks),
      part.flatMap(({ texts }) => texts),
    ).then(
      (states) => {
        for (const [at, { end }] of part.entries()) end.resolve(states.slice(at, at + 1));
      },
      (error: unknown) => {
        for (const { end } of part) end.reject(error);
      },
    );
  }
}

function parts(group: readonly Push[]): Push[][] {
  const found: Push[][] = [];
  let characters = 0;
  for (const push of group) {
    const size = push.texts[0]?.length ?? 0;
    const last = found.at(-1);
    if (last === undefined || last.length === MOST_TASKS || characters + size > MOST_CHARACTERS) {
      found.push([push]);
      characters = size;
    } else {
      last.push(push);
      characters += size;
    }
  }
  return found;
}
