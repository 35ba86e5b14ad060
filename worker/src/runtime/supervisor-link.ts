import type { ExitReason } from "../../contract/records.ts";
import type { RuntimeEnd } from "./worker-runtime.ts";

/** What a worker tells its supervisor. */
export type WorkerMessage =
  /** The last message: why the worker ends. */
  | { readonly exit: ExitReason }
  /** The secrets that its handlers require, by name. */
  | { readonly needs: readonly string[] }
  /** Lines of the history of executions. */
  | { readonly history: string }
  /** A program's process group, which must not outlive the worker. */
  | { readonly program: number; readonly running: boolean };

/** What a supervisor tells its worker. */
export type SupervisorMessage =
  /** The pid that others know it by; `null` when it could not be found. */
  | { readonly pid: number | null }
  /** Of the secrets that it asked for, those that there are; again whenever one changes. Or why they cannot be read. */
  | { readonly secrets: Readonly<Record<string, string>>; readonly problem?: string }
  /** So many lines of the history could not be written. */
  | { readonly historyLost: number; readonly why: string };

/**
 * The pid of this process as the machine sees it: in a pid namespace it is another than its own, and the
 * supervisor says it first thing. Without a supervisor, or when that one is gone, it is its own.
 */
export function outerPid(): Promise<number> {
  if (process.connected !== true) return Promise.resolve(process.pid);
  return new Promise((resolve) => {
    const hear = (message?: SupervisorMessage): void => {
      if (message !== undefined && !("pid" in message)) return;
      process.off("message", hear);
      process.off("disconnect", hear);
      resolve(message?.pid ?? process.pid);
    };
    process.on("message", hear);
    process.on("disconnect", hear);
  });
}

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
