/** The sandbox of programs that nobody vouches for, one implementation for each way to make one. */
import type { BackEnd, Protection } from "../../contract/sandbox.ts";

/** What one program with all that it starts may use. */
export interface SandboxLimits {
  /** Processes and threads. */
  readonly processes: number;
  readonly memoryBytes: number;
  /** Processor time of all processes together. */
  readonly cpuMs: number;
  /** Wall clock; the program gets SIGTERM first. */
  readonly timeoutMs: number;
  /** Standard output and standard error together. */
  readonly outputBytes: number;
  /** What it writes to its folder. */
  readonly diskBytes: number;
}

export interface SandboxedProgram {
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  readonly stdin: Buffer;
  /** A folder of this program's own on the host. */
  readonly folder: string;
  /** Variables beside PATH, HOME, TMPDIR and the locale, which the sandbox sets. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

/** The limit that ended a program, or `aborted` by its signal; the others are reasons of failed tasks. */
export type SandboxStop = "timeout" | "output" | "cpu" | "memory" | "processes" | "denied" | "aborted";

export interface SandboxEnd {
  /** `null` when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly truncated: boolean;
  /** `null` when it ended by itself. */
  readonly stop: SandboxStop | null;
}

/** The program did not start. */
export class SandboxStartError extends Error {
  override readonly name = "SandboxStartError";
  /** `exec` when it was the program's own start that failed, else a step of the sandbox. */
  readonly step: string;
  /** The system's error code such as ENOENT; "" when there is none. */
  readonly code: string;
  constructor(step: string, code: string, message: string) {
    super(`the sandbox failed at "${step}": ${message}`);
    this.step = step;
    this.code = code;
  }
}

export interface Sandbox {
  readonly backEnd: BackEnd;
  /** What it cannot enforce on this machine. */
  readonly unenforced: readonly Protection[];
  /** Whether programs share a limit and so run one at a time. */
  readonly oneAtATime: boolean;
  /** Whether each program has a control group of its own; else why not, in words. */
  readonly groups: true | string;
  /** Runs a program to its end; afterwards nothing of it is left but its folder. Rejects with `SandboxStartError`. */
  run(program: SandboxedProgram): Promise<SandboxEnd>;
}
