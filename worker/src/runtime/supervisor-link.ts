import type { ExitReason } from "../../contract/records.ts";
import type { RuntimeEnd } from "./worker-runtime.ts";

/** What a worker tells its supervisor. */
export type WorkerMessage =
  /** The last message: why the worker ends. */
  | { readonly exit: ExitReason }
  /** A program's process group, which must not outlive the worker. */
  | { readonly program: number; readonly running: boolean };

/** The exit reason that a worker's end counts as. */
export function exitReason({ reason, graceful }: RuntimeEnd): ExitReason {
  if (reason === "signal" || reason === "orphan") return "signal";
  if (!graceful) return "timeout";
  return reason === "idle" ? "idle" : "success";
}

/** Tells the supervisor, if there is one; resolves when the message is on its way. */
export function tellSupervisor(message: WorkerMessage): Promise<void> {
  const { send } = process;
  if (send === undefined || !process.connected) return Promise.resolve();
  return new Promise((resolve) => send.call(process, message, () => resolve()));
}
