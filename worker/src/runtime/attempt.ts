import type { TaskProgress } from "../../contract/records.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { AbortReason, TaskContext } from "../handler.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { Circuits } from "../ports/circuits.ts";
import { circuit } from "./circuit.ts";
import type { Ending } from "./outcome.ts";
import type { ThreadPool, ThreadRun } from "./threads/thread-pool.ts";

export interface AttemptOptions {
  readonly task: DeliveredTask;
  readonly payload: unknown;
  readonly handler: LoadedHandler;
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly threads: ThreadPool;
  readonly circuits: Circuits;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export interface AttemptEnd {
  readonly ending: Ending;
  readonly aborted: AbortReason | null;
}

/** Longest delay of a timer; a longer limit is none. */
const MAX_TIMER_MS = 2_147_483_647;

/** One run of a handler on one task, with its time limit and the way to stop it. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #controller = new AbortController();
  readonly #end = Promise.withResolvers<Ending>();
  #aborted: AbortReason | null = null;
  #progress: TaskProgress | null = null;
  #thread: ThreadRun | undefined;
  #limit: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
  }

  get progress(): TaskProgress | null {
    return this.#progress;
  }

  /** Calls the handler; resolves when it ended or the grace after an abort is over. Never rejects. */
  async run(): Promise<AttemptEnd> {
    const { timeoutMs } = this.#options;
    this.#limit = setTimeout(() => this.abort("timeout"), Math.min(timeoutMs, MAX_TIMER_MS));
    this.#call().then(
      (output) => this.#end.resolve({ how: "returned", output }),
      (thrown: unknown) => this.#end.resolve({ how: "threw", thrown }),
    );
    const ending = await this.#end.promise;
    clearTimeout(this.#limit);
    clearTimeout(this.#grace);
    return { ending, aborted: this.#aborted };
  }

  /** Asks the handler to stop, and goes on without it when it has not by the end of the grace. The first call counts. */
  abort(reason: AbortReason): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    this.#controller.abort(reason);
    this.#thread?.abort(reason);
    this.#grace = setTimeout(() => this.force(), this.#options.graceMs);
  }

  /** Goes on without the handler now; a thread is ended, other code runs on unheard. */
  force(): void {
    this.#thread?.force();
    this.#end.resolve({ how: "forced" });
  }

  async #call(): Promise<unknown> {
    const { handler, payload, threads, circuits } = this.#options;
    if (handler.isolation === "event-loop") return handler.run(payload as never, this.#context());
    this.#thread = threads.run(handler, payload, this.#context(), circuits);
    return this.#thread.done;
  }

  #context(): TaskContext {
    const { task, graceMs, circuits, log } = this.#options;
    const { signal } = this.#controller;
    return {
      taskId: task.id,
      kind: task.kind,
      attempt: task.attempts + 1,
      graceMs,
      signal,
      circuit: (name) => circuit(circuits, name, signal),
      progress: (done, note = "") => {
        this.#progress = { done, note };
      },
      log: (event, fields = {}) => log(event, fields),
    };
  }
}
