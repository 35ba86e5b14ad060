/**
 * Threads for handlers with `isolation: "thread"`: one task a thread at a time, so that code which computes
 * neither stops heartbeats nor its neighbours, and can be ended by force.
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type AbortReason, PermanentError, RetryLaterError, type TaskContext } from "../../handler.ts";
import type { LoadedHandler } from "../../handlers/load-handlers.ts";
import type { Circuits } from "../../ports/circuits.ts";
import { type SecretReader, secretsOf } from "../handler-secrets.ts";
import type { FromThread, ThreadData, ThrownRecord, ToThread } from "./messages.ts";

/** An unused thread ends after this long: it holds several MiB. */
const IDLE_MS = 10_000;

/** The entry module stands beside this one, in the source tree and in the bundle. */
function entry(): URL {
  return new URL(
    import.meta.url.endsWith(".ts") ? "./handler-thread.ts" : "./handler-thread.mjs",
    import.meta.url,
  );
}

function toError({ name, message, stack, reason, output, retryAfterMs = 0 }: ThrownRecord): Error {
  const why = reason === undefined ? {} : { reason };
  const error =
    name === "PermanentError"
      ? new PermanentError(message, { ...why, output })
      : name === "RetryLaterError"
        ? new RetryLaterError(message, { ...why, retryAfterMs })
        : Object.assign(new Error(message), { name });
  error.stack = stack;
  return error;
}

/** What a run in a thread may ask the worker for. */
export interface ThreadServices {
  readonly circuits: Circuits;
  readonly secrets: SecretReader;
}

/** One thread and the handler that it has loaded. */
class HandlerThread {
  readonly #worker: Worker;
  readonly #handler: LoadedHandler;

  constructor(handler: LoadedHandler) {
    this.#handler = handler;
    const data: ThreadData = { taskfleet: "handler-thread", source: handler.source, kind: handler.kind };
    // Its environment is its own copy; its output goes where the worker's goes.
    this.#worker = new Worker(entry(), { workerData: data, name: `handler ${handler.kind}` });
    // Without a listener, a thread that fails between two tasks would end the whole process.
    this.#worker.on("error", () => {});
  }

  send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Runs one task; rejects with what the handler threw, or when the thread ends. */
  async run(payload: unknown, context: TaskContext, services: ThreadServices): Promise<unknown> {
    const worker = this.#worker;
    const { circuits } = services;
    const secrets = secretsOf(this.#handler, services.secrets);
    const { taskId, attempt, graceMs, traceparent } = context;
    return new Promise<unknown>((resolve, reject) => {
      const settle = (finish: () => void) => {
        worker.off("message", onMessage).off("error", onError).off("exit", onExit);
        finish();
      };
      const onMessage = (message: FromThread) => {
        if (message.type === "progress") context.progress(message.done, message.note);
        else if (message.type === "log") context.log(message.event, message.fields);
        else if (message.type === "enter" || message.type === "report") this.#relay(message, circuits);
        else if (message.type === "returned") settle(() => resolve(message.output));
        else settle(() => reject(toError(message.thrown)));
      };
      const onError = (error: unknown) => settle(() => reject(error));
      const onExit = () =>
        settle(() => reject(new Error("the handler's thread ended in the middle of the task")));
      worker.on("message", onMessage).on("error", onError).on("exit", onExit);
      this.send({ type: "run", payload, taskId, attempt, graceMs, traceparent, secrets });
    });
  }

  /** Asks the circuits in the thread's place; they never reject. */
  #relay(message: Extract<FromThread, { type: "enter" | "report" }>, circuits: Circuits): void {
    const { call, circuit } = message;
    if (message.type === "enter") {
      void circuits.enter(circuit).then((permit) => this.send({ type: "circuit", call, permit }));
    } else {
      const { permit, verdict } = message;
      void circuits.report(circuit, permit, verdict).then(() => this.send({ type: "circuit", call }));
    }
  }

  get alive(): boolean {
    return this.#worker.threadId !== -1;
  }

  async terminate(): Promise<void> {
    if (!this.alive) return;
    const exited = once(this.#worker, "exit");
    await this.#worker.terminate();
    await exited;
  }
}

/** A run in a thread: its end, and the way to end it at once. */
export interface ThreadRun {
  readonly done: Promise<unknown>;
  abort(reason: AbortReason): void;
  force(): void;
}

export class ThreadPool {
  readonly #idle = new Map<string, { thread: HandlerThread; timer: NodeJS.Timeout }[]>();

  run(handler: LoadedHandler, payload: unknown, context: TaskContext, services: ThreadServices): ThreadRun {
    const thread = this.#take(handler);
    const done = thread.run(payload, context, services).finally(() => this.#putBack(handler, thread));
    return {
      done,
      abort: (reason) => thread.send({ type: "abort", reason }),
      force: () => void thread.terminate(),
    };
  }

  /** Ends the unused threads. */
  async close(): Promise<void> {
    const idle = [...this.#idle.values()].flat();
    this.#idle.clear();
    for (const { timer } of idle) clearTimeout(timer);
    await Promise.all(idle.map(({ thread }) => thread.terminate()));
  }

  #take(handler: LoadedHandler): HandlerThread {
    for (;;) {
      const kept = this.#idle.get(handler.kind)?.pop();
      if (kept === undefined) return new HandlerThread(handler);
      clearTimeout(kept.timer);
      if (kept.thread.alive) return kept.thread;
    }
  }

  #putBack(handler: LoadedHandler, thread: HandlerThread): void {
    if (!thread.alive) return;
    const threads = this.#idle.get(handler.kind) ?? [];
    const timer = setTimeout(() => {
      threads.splice(
        threads.findIndex((kept) => kept.thread === thread),
        1,
      );
      void thread.terminate();
    }, IDLE_MS);
    timer.unref();
    threads.push({ thread, timer });
    this.#idle.set(handler.kind, threads);
  }
}
