import { type ChildProcess, spawn } from "node:child_process";
import { BoundedOutput } from "./bounded-output.ts";
import { forgetGroup, rememberGroup, signalGroup } from "./process-group.ts";

export interface Program {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly stdin: Buffer;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly maxOutputBytes: number;
  /** 0: no limit of its own. */
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

/** What ended a program before it ended by itself. */
export type Stop = "timeout" | "output" | "aborted";

export interface ProgramEnd {
  /** `null` when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly truncated: boolean;
  readonly stop: Stop | null;
}

/** How long others may keep a program's output open after its end. */
const PIPES_MS = 200;

/** One running program with its process group. */
class Run {
  readonly #program: Program;
  readonly #child: ChildProcess;
  readonly #output: BoundedOutput;
  #stop: Stop | null = null;
  #timers: NodeJS.Timeout[] = [];

  constructor(program: Program) {
    this.#program = program;
    this.#output = new BoundedOutput(program.maxOutputBytes);
    const [file, ...args] = program.command;
    this.#child = spawn(file, args, {
      cwd: program.folder,
      env: program.environment,
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own, so that what the program starts can be ended with it.
      detached: true,
    });
  }

  end(): Promise<ProgramEnd> {
    const child = this.#child;
    const groupId = child.pid;
    const aborted = () => this.#halt("aborted");
    if (groupId !== undefined) this.#begin(groupId, aborted);
    return new Promise<ProgramEnd>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", () => {
        // What the program left running in its group must not keep the pipes open.
        this.#signal("SIGKILL");
        // Nor what left the group; after a turn of the event loop, for output that still lies in the pipes.
        this.#after(PIPES_MS, () => setImmediate(() => this.#closePipes()));
      });
      child.once("close", (exitCode, signal) => {
        const [stdout, stderr] = [this.#output.bytes("stdout"), this.#output.bytes("stderr")];
        const { truncated } = this.#output;
        resolve({ exitCode, signal, stdout, stderr, truncated, stop: this.#stop });
      });
    }).finally(() => {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#program.signal.removeEventListener("abort", aborted);
      if (groupId !== undefined) forgetGroup(groupId);
    });
  }

  #begin(groupId: number, aborted: () => void): void {
    rememberGroup(groupId);
    for (const channel of ["stdout", "stderr"] as const) {
      this.#child[channel]?.on("data", (chunk: Buffer) => {
        if (!this.#output.add(channel, chunk)) this.#halt("output");
      });
    }
    // A program may end, or close its input, without reading all of it.
    this.#child.stdin?.on("error", () => {});
    this.#child.stdin?.end(this.#program.stdin);
    const { signal, timeoutMs } = this.#program;
    if (timeoutMs > 0) this.#after(timeoutMs, () => this.#halt("timeout"));
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
  }

  #halt(stop: Stop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#signal("SIGTERM");
    this.#after(this.#program.graceMs, () => this.#signal("SIGKILL"));
  }

  #closePipes(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #after(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, ms));
  }

  #signal(name: NodeJS.Signals): void {
    if (this.#child.pid !== undefined) signalGroup(this.#child.pid, name);
  }
}

/** Runs a program to its end. Rejects when it cannot be started, with the system's error code. */
export async function runProgram(program: Program): Promise<ProgramEnd> {
  return new Run(program).end();
}
