import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { ExitReason } from "../../contract/records.ts";
import { signalGroup } from "../handlers/execute/process-group.ts";
import type { WorkerMessage } from "../runtime/supervisor-link.ts";

export interface SupervisedWorkerOptions {
  /** Node, and the worker image's entry file. */
  readonly node: string;
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  /** How long it may take to end after the first signal, in ms; then it is killed. */
  readonly patienceMs: number;
}

/** Longest delay of a timer. */
const MAX_TIMER_MS = 2_147_483_647;

/** An idle worker keeps what its start made the young generation grow to; 4 MiB saves 10 MiB of 113. */
const YOUNG_GENERATION = "--max-semi-space-size=4";

/** A worker as its supervisor sees it: a child process that says why it ends, or does not. */
export class SupervisedWorker {
  readonly #child: ChildProcess;
  readonly #programs = new Set<number>();
  readonly #exited: Promise<unknown>;
  #said: ExitReason | null = null;
  readonly #patienceMs: number;
  #told = false;
  #killer: NodeJS.Timeout | undefined;

  /** Starts it. */
  constructor({ node, main, env, patienceMs }: SupervisedWorkerOptions) {
    this.#patienceMs = Math.min(patienceMs, MAX_TIMER_MS);
    this.#child = spawn(node, [YOUNG_GENERATION, main, "worker"], {
      env,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      // In a group of its own: a Ctrl-C at a terminal reaches it once, through the supervisor.
      detached: true,
    });
    this.#exited = once(this.#child, "exit");
    this.#child.on("message", (message) => this.#hear(message as WorkerMessage));
  }

  /** `null` when it could not be started. */
  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  /** Passes a signal on; a stop that was asked for counts as `signal`, however the worker then ends. */
  signal(name: NodeJS.Signals): void {
    this.#told = true;
    // A handler that never lets go of the event loop keeps the worker from hearing any other signal.
    this.#killer ??= setTimeout(() => this.#child.kill("SIGKILL"), this.#patienceMs);
    this.#child.kill(name);
  }

  /** Waits for its end, and ends the programs that it left behind. Rejects when it could not be started. */
  async ended(): Promise<ExitReason> {
    try {
      await this.#exited;
    } finally {
      clearTimeout(this.#killer);
    }
    for (const groupId of this.#programs) signalGroup(groupId, "SIGKILL");
    if (this.#told) return "signal";
    return this.#said ?? "error";
  }

  #hear(message: WorkerMessage): void {
    if ("exit" in message) this.#said = message.exit;
    else if (message.running) this.#programs.add(message.program);
    else this.#programs.delete(message.program);
  }
}
