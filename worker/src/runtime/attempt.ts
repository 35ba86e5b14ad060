import type { TaskProgress } from "../../contract/records.ts";
import type { DeliveredTask } from "../core/task.ts";
import type { AbortReason, Circuit, TaskContext } from "../handler.ts";
import type { LoadedHandler } from "../handlers/load-handlers.ts";
import type { Circuits } from "../ports/circuits.ts";
import type { AttemptTraces } from "../tracing/tracing.ts";
import { circuit } from "./circuit.ts";
import { notRequired, type SecretReader } from "./handler-secrets.ts";
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
  readonly secrets: SecretReader;
  readonly traces: Pick<AttemptTraces, "run" | "traceparent">;
  /** Takes secrets out of a note. */
  readonly redact: (text: string) => string;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
  /** The handler reported progress. */
  readonly onProgress: () => void;
}

export interface AttemptEnd {
  readonly ending: Ending;
  readonly aborted: AbortReason | null;
}

/** Longest delay of a timer; a longer limit is none. */
const MAX_TIMER_MS = 2_147_483_647;

/** What a handler sees of its attempt. */
class AttemptContext implements TaskContext {
  readonly taskId: string;
  readonly kind: string;
  readonly attempt: number;
  readonly graceMs: number;
  readonly traceparent: string | undefined;
  readonly circuit: TaskContext["circuit"];
  readonly secret: TaskContext["secret"];
  readonly progress: TaskContext["progress"];
  readonly log: TaskContext["log"];
  readonly #of: Attempt;

  constructor(of: Attempt, { task, graceMs, traces }: AttemptOptions) {
    this.#of = of;
    this.taskId = task.id;
    this.kind = task.kind;
    this.attempt = task.attempts + 1;
    this.graceMs = graceMs;
    this.traceparent = traces.traceparent(task);
    this.circuit = (name) => of.circuit(name);
    this.secret = (name) => of.secret(name);
    this.progress = (done, note = "") => of.note({ done, note });
    this.log = (event, fields = {}) => of.log(event, fields);
  }

  /** Made for the handler that asks for it, for most never do. */
  get signal(): AbortSignal {
    return this.#of.signal;
  }
}

/** One run of a handler on one task, with its time limit and the way to stop it. */
export class Attempt {
  readonly #options: AttemptOptions;
  readonly #onEnd: (end: AttemptEnd) => void;
  #controller: AbortController | null = null;
  #ended = false;
  #aborted: AbortReason | null = null;
  #progress: TaskProgress | null = null;
  #thread: ThreadRun | undefined;
  #limit: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;

  /** `onEnd` is called once, when the handler ended or the grace after an abort is over. */
  constructor(options: AttemptOptions, onEnd: (end: AttemptEnd) => void) {
    this.#options = options;
    this.#onEnd = onEnd;
  }

  get progress(): TaskProgress | null {
    return this.#progress;
  }

  /** Calls the handler. */
  start(): void {
    const { timeoutMs } = this.#options;
    this.#limit = setTimeout(() => this.abort("timeout"), Math.min(timeoutMs, MAX_TIMER_MS));
    this.#call().then(
      (output) => this.#end({ how: "returned", output }),
      (thrown: unknown) => this.#end({ how: "threw", thrown }),
    );
  }

  /** Asks the handler to stop, and goes on without it when it has not by the end of the grace. The first call counts. */
  abort(reason: AbortReason): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    this.#controller?.abort(reason);
    this.#thread?.abort(reason);
    this.#grace = setTimeout(() => this.force(), this.#options.graceMs);
  }

  /** Goes on without the handler now; a thread is ended, other code runs on unheard. */
  force(): void {
    this.#thread?.force();
    this.#end({ how: "forced" });
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted !== null) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  circuit(name: string): Circuit {
    return circuit(this.#options.circuits, name, this.signal);
  }

  secret(name: string): string {
    const { handler, secrets } = this.#options;
    if (handler.requires?.secrets?.includes(name) !== true) throw notRequired(handler.kind, name);
    return secrets.require(name);
  }

  note({ done, note }: TaskProgress): void {
    // What is no text came from a handler without types.
    this.#progress = {
      done,
      note: typeof note === "string" ? this.#options.redact(note).toWellFormed() : note,
    };
    this.#options.onProgress();
  }

  log(event: string, fields: Record<string, unknown>): void {
    this.#options.log(event, fields);
  }

  #end(ending: Ending): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#limit);
    clearTimeout(this.#grace);
    this.#onEnd({ ending, aborted: this.#aborted });
  }

  /** What the handler throws before it returns a promise is as good as a rejection. */
  #call(): Promise<unknown> {
    const { handler, task, payload, threads, circuits, secrets, traces } = this.#options;
    try {
      const context = new AttemptContext(this, this.#options);
      if (handler.isolation === "event-loop")
        return Promise.resolve(traces.run(task, () => handler.run(payload as never, context)));
      this.#thread = threads.run(handler, payload, context, { circuits, secrets });
      return this.#thread.done;
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }
}
