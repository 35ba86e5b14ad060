/** Entry module of a thread that runs one handler, one task after the other. */
import { parentPort, workerData } from "node:worker_threads";
import type { AbortReason, Handler, TaskContext } from "../../handler.ts";
import { serveOwnPackage } from "../../handlers/own-package.ts";
import { circuit } from "../circuit.ts";
import { secretOf } from "../handler-secrets.ts";
import type { FromThread, ThreadData, ThrownRecord, ToThread } from "./messages.ts";
import { ThreadCircuits } from "./thread-circuits.ts";

type RunMessage = Extract<ToThread, { type: "run" }>;

const { source, kind } = workerData as ThreadData;
let controller = new AbortController();

function post(message: FromThread): void {
  parentPort?.postMessage(message);
}

const circuits = new ThreadCircuits(post);

/** JSON's view of a value: what a result can hold, and what another thread can be given. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

function record(thrown: unknown): ThrownRecord {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown), stack: "" };
  const { name, message, stack, reason, output, retryAfterMs } = thrown as Error & Partial<ThrownRecord>;
  return {
    name,
    message,
    stack: stack ?? "",
    ...(typeof reason === "string" ? { reason } : {}),
    ...(output === undefined ? {} : { output: plain(output) }),
    ...(typeof retryAfterMs === "number" ? { retryAfterMs } : {}),
  };
}

function contextOf(message: RunMessage, signal: AbortSignal): TaskContext {
  return {
    taskId: message.taskId,
    kind,
    attempt: message.attempt,
    graceMs: message.graceMs,
    traceparent: message.traceparent,
    signal,
    secret: (name) => secretOf(message.secrets, kind, name),
    circuit: (name) => circuit(circuits, name, signal),
    progress: (done, note = "") => post({ type: "progress", done, note }),
    log: (event, fields = {}) =>
      post({ type: "log", event, fields: plain(fields) as Record<string, unknown> }),
  };
}

async function findHandler(): Promise<Handler> {
  serveOwnPackage();
  const { default: exported } = (await import(source)) as { default: Handler | readonly Handler[] };
  const handler = [exported].flat().find((candidate) => candidate.kind === kind);
  if (handler === undefined) throw new Error(`${source} exports no handler of kind "${kind}"`);
  return handler;
}

const handler = findHandler();
// Each run awaits it and reports the failure; without a run nobody needs to know.
handler.catch(() => {});

async function run(message: RunMessage): Promise<void> {
  controller = new AbortController();
  const { signal } = controller;
  try {
    const loaded = await handler;
    // The task may have been cancelled while the thread started.
    signal.throwIfAborted();
    const output = plain(await loaded.run(message.payload as never, contextOf(message, signal)));
    post({ type: "returned", output });
  } catch (thrown) {
    post({ type: "threw", thrown: record(thrown) });
  }
}

function abort(reason: AbortReason): void {
  controller.abort(reason);
}

parentPort?.on("message", (message: ToThread) => {
  if (message.type === "run") void run(message);
  else if (message.type === "circuit") circuits.answered(message.call, message.permit);
  else abort(message.reason);
});
