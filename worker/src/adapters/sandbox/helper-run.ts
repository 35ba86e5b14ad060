/** One run of the helper: the policy goes in on its control channel, events come back on it. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { BoundedOutput } from "../../handlers/execute/bounded-output.ts";
import {
  type SandboxEnd,
  type SandboxedProgram,
  SandboxStartError,
  type SandboxStop,
} from "../../ports/sandbox.ts";
import type { HelperPolicy } from "./policy.ts";

type HelperEvent =
  | { readonly event: "started"; readonly pid: number }
  | { readonly event: "failed"; readonly step: string; readonly code: string; readonly message: string }
  | {
      readonly event: "ended";
      readonly exitCode: number | null;
      readonly signal: string | null;
      readonly limit: Exclude<SandboxStop, "aborted"> | null;
    };

/** How long others may keep a program's output open after the helper's end. */
const PIPES_MS = 200;

export class HelperRun {
  readonly #program: SandboxedProgram;
  readonly #child: ChildProcess;
  readonly #control: Duplex;
  readonly #output: BoundedOutput;
  #last: HelperEvent | undefined;
  #stop: SandboxStop | null = null;
  #timers: NodeJS.Timeout[] = [];

  constructor(helper: string, policy: HelperPolicy, program: SandboxedProgram) {
    this.#program = program;
    this.#output = new BoundedOutput(program.limits.outputBytes);
    this.#child = spawn(helper, ["run"], {
      cwd: "/",
      // Nothing of the worker's environment is for programs to see.
      env: { PATH: process.env.PATH ?? "", TMPDIR: tmpdir() },
      stdio: ["pipe", "pipe", "pipe", "pipe"],
      detached: true,
    });
    this.#control = this.#child.stdio[3] as Duplex;
    this.#control.on("error", () => {});
    const lines = createInterface({ input: this.#control });
    // It passes on what befalls the channel, whose other end may be gone before it read anything.
    lines.on("error", () => {}).on("line", (line) => this.#hear(line));
    this.#control.write(`${JSON.stringify(policy)}\n`);
  }

  async end(): Promise<SandboxEnd> {
    const child = this.#child;
    const aborted = () => this.#halt("aborted");
    const { signal, limits, stdin } = this.#program;
    for (const channel of ["stdout", "stderr"] as const) {
      child[channel]?.on("data", (chunk: Buffer) => {
        if (!this.#output.add(channel, chunk)) this.#halt("output");
      });
    }
    // A program may end, or close its input, without reading all of it.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    this.#after(limits.timeoutMs, () => this.#halt("timeout"));
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        child.once("error", (error: NodeJS.ErrnoException) =>
          reject(new SandboxStartError("helper", error.code ?? "", error.message)),
        );
        child.once("exit", () => this.#after(PIPES_MS, () => setImmediate(() => this.#closePipes())));
        child.once("close", () => resolve());
      });
    } finally {
      for (const timer of this.#timers) clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      this.#control.destroy();
    }
    return this.#outcome();
  }

  /** Ends it at once, for a limit that it hit. */
  kill(stop: SandboxStop): void {
    this.#stop ??= stop;
    this.#control.destroy();
  }

  /** A helper that is killed may leave half a line, which says nothing. */
  #hear(line: string): void {
    try {
      this.#last = JSON.parse(line) as HelperEvent;
    } catch {
      this.#last = undefined;
    }
  }

  #outcome(): SandboxEnd {
    const last = this.#last;
    const [stdout, stderr] = [this.#output.bytes("stdout"), this.#output.bytes("stderr")];
    const printed = { stdout, stderr, truncated: this.#output.truncated };
    if (last?.event === "failed") throw new SandboxStartError(last.step, last.code, last.message);
    if (last?.event === "ended") {
      const { exitCode, signal, limit } = last;
      return { exitCode, signal, ...printed, stop: this.#stop ?? limit };
    }
    // The helper was told to end at once, and does not wait to tell of it.
    if (this.#stop !== null) return { exitCode: null, signal: "SIGKILL", ...printed, stop: this.#stop };
    const { exitCode, signalCode } = this.#child;
    throw new SandboxStartError("helper", "", `it ended (${signalCode ?? exitCode}) without a word`);
  }

  /** SIGTERM, and after the grace the end of all; the first reason counts. */
  #halt(stop: SandboxStop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    this.#control.write('{"signal":"SIGTERM"}\n');
    this.#after(this.#program.graceMs, () => this.#control.destroy());
  }

  #closePipes(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #after(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, Math.min(ms, 2_147_483_647)));
  }
}
