import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import type { ExitReason } from "../../contract/records.ts";
import type { ProcessIdentity } from "../../contract/run-file.ts";
import { signalProcess } from "../adapters/processes/process-identity.ts";
import { signalGroup } from "../handlers/execute/process-group.ts";
import type { SupervisorMessage, WorkerMessage } from "../runtime/supervisor-link.ts";
import { type PidNamespace, pidNamespace } from "./pid-namespace.ts";

export interface SupervisedWorkerOptions {
  /** Node, and the worker image's entry file. */
  readonly node: string;
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  /** How long it may take to end after the first signal, in ms; then it is killed. */
  readonly patienceMs: number;
  /** Words in front of its command, and its working directory; default: none, and this process's. */
  readonly wrap?: readonly string[];
  readonly cwd?: string;
  /** Whether `wrap` puts it into a pid namespace, and says so on descriptor `INFO_DESCRIPTOR`. */
  readonly namespaced?: boolean;
  /** What it can read from descriptor `SECRET_DESCRIPTOR`, once; default: nothing. */
  readonly secret?: string;
  /** It asks for these secrets; default: it gets no answer. */
  readonly onNeeds?: (names: readonly string[]) => void;
  /** Lines of its history of executions; default: they are dropped. */
  readonly onHistory?: (lines: string) => void;
}

/** Where a worker finds its password: in no file, and neither in its environment nor its command line. */
export const SECRET_DESCRIPTOR = 4;

/** Longest delay of a timer. */
const MAX_TIMER_MS = 2_147_483_647;

/** An idle worker keeps what its start made the young generation grow to; 4 MiB saves 10 MiB of 113. */
const YOUNG_GENERATION = "--max-semi-space-size=4";

/** A worker as its supervisor sees it: a child process that says why it ends, or does not. */
export class SupervisedWorker {
  readonly #child: ChildProcess;
  readonly #programs = new Set<number>();
  readonly #exited: Promise<unknown>;
  readonly #pid: Promise<number | null>;
  readonly #namespace: Promise<PidNamespace | null>;
  readonly #namespaced: boolean;
  #said: ExitReason | null = null;
  readonly #patienceMs: number;
  readonly #onNeeds: (names: readonly string[]) => void;
  readonly #onHistory: (lines: string) => void;
  #told = false;
  #killer: NodeJS.Timeout | undefined;

  /** Starts it. */
  constructor(options: SupervisedWorkerOptions) {
    const { node, main, env, patienceMs, wrap = [], cwd, namespaced = false, secret = "" } = options;
    this.#patienceMs = Math.min(patienceMs, MAX_TIMER_MS);
    this.#namespaced = namespaced;
    this.#onNeeds = options.onNeeds ?? (() => {});
    this.#onHistory = options.onHistory ?? (() => {});
    const [command = node, ...words] = [...wrap, node, YOUNG_GENERATION, main, "worker"];
    this.#child = spawn(command, words, {
      env,
      cwd,
      stdio: ["ignore", "inherit", "inherit", "ipc", "pipe", "pipe"],
      // In a group of its own: a Ctrl-C at a terminal reaches it once, through the supervisor.
      detached: true,
    });
    this.#exited = once(this.#child, "exit");
    this.#child.on("message", (message) => this.#hear(message as WorkerMessage));
    const secrets = this.#child.stdio[SECRET_DESCRIPTOR] as Writable;
    // A worker that ends before it reads is explained by its end.
    secrets.on("error", () => {});
    secrets.end(secret);
    this.#namespace = namespaced ? pidNamespace(this.#child) : Promise.resolve(null);
    this.#pid = this.#namespace.then((found) => (namespaced ? found?.worker : this.#child.pid) ?? null);
    void this.#pid.then((pid) => this.tell({ pid }));
  }

  /** Its pid as this process sees it; `null` when it could not be started. */
  get pid(): Promise<number | null> {
    return this.#pid;
  }

  /** The first process of its pid namespace, with which all of it ends; `null` without one. */
  get namespace(): Promise<ProcessIdentity | null> {
    return this.#namespace.then((found) => found?.first ?? null);
  }

  /** Passes a signal on; a stop that was asked for counts as `signal`, however the worker then ends. */
  signal(name: NodeJS.Signals): void {
    this.#told = true;
    // A handler that never lets go of the event loop keeps the worker from hearing any other signal.
    this.#killer ??= setTimeout(() => void this.#send("SIGKILL"), this.#patienceMs);
    void this.#send(name);
  }

  /** Waits for its end, and ends the programs that it left behind. Rejects when it could not be started. */
  async ended(): Promise<ExitReason> {
    try {
      await this.#exited;
    } finally {
      clearTimeout(this.#killer);
    }
    // The pids of programs in a pid namespace mean nothing here.
    const first = await this.namespace;
    if (first !== null) signalProcess(first, "SIGKILL");
    if (!this.#namespaced) for (const groupId of this.#programs) signalGroup(groupId, "SIGKILL");
    if (this.#told) return "signal";
    return this.#said ?? "error";
  }

  /** Says something to it, if it still listens. */
  tell(message: SupervisorMessage): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  async #send(name: NodeJS.Signals): Promise<void> {
    const pid = await this.#pid;
    const over = this.#child.exitCode !== null || this.#child.signalCode !== null;
    if (over) return;
    // Without a pid it has not come as far as the worker itself.
    if (pid === null || pid === this.#child.pid) this.#child.kill(name);
    else killIfThere(pid, name);
  }

  #hear(message: WorkerMessage): void {
    if ("exit" in message) this.#said = message.exit;
    else if ("needs" in message) this.#onNeeds(message.needs);
    else if ("history" in message) this.#onHistory(message.history);
    else if (message.running) this.#programs.add(message.program);
    else this.#programs.delete(message.program);
  }
}

function killIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
