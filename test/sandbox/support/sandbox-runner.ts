import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BackEnd } from "../../../worker/contract/sandbox.ts";
import type { SandboxOptions } from "../../../worker/src/adapters/sandbox/open-sandbox.ts";
import type { ExecuteOutput } from "../../../worker/src/handlers/execute.ts";

/** What a run came to: an output, or a reason with a message. */
export interface Answer {
  readonly output?: ExecuteOutput;
  readonly reason?: string | null;
  readonly message?: string;
  readonly failedOutput?: ExecuteOutput;
}

export interface Hello {
  readonly refused?: string;
  readonly backEnd?: BackEnd;
  readonly unenforced?: readonly string[];
  readonly oneAtATime?: boolean;
}

/** A secret of the worker's, which no program may see. */
export const SECRET = "worker-secret-7f3a";

/** Processes that run `execute` tasks in a sandbox, with a folder of their own for scratch folders. */
export class SandboxRunner {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly scratch: string;
  readonly hello: Promise<Hello>;
  #next = 0;

  /**
   * `uid`: the user that it runs as; default: this one. `confined`: by the helper, as workers are. `prefix`: a
   * command that starts it in a container.
   */
  constructor(
    options: Partial<SandboxOptions> & Pick<SandboxOptions, "helper">,
    uid?: number,
    confined = false,
    prefix: readonly string[] = [],
  ) {
    this.scratch = mkdtempSync(join(tmpdir(), "taskfleet-sandbox-test-"));
    chmodSync(this.scratch, 0o711);
    if (uid !== undefined) chownSync(this.scratch, uid, uid);
    const all: SandboxOptions = {
      broker: "",
      backEnd: "auto",
      acceptUnenforced: [],
      readable: [],
      ...options,
    };
    const words = [
      process.execPath,
      join(import.meta.dirname, "runner.ts"),
      JSON.stringify(all),
      SECRET,
    ] as const;
    const policy = { version: 1, writable: [tmpdir()], seccomp: "worker", dropCapabilities: true };
    const confine = [options.helper, "confine", "--policy", JSON.stringify(policy), "--"];
    const [command = "", ...rest] = [...prefix, ...(confined ? confine : []), ...words];
    this.#child = spawn(command, rest, {
      env: { ...process.env, TMPDIR: this.scratch, WORKER_SECRET: SECRET },
      stdio: ["pipe", "pipe", "inherit"],
      cwd: "/",
      ...(uid !== undefined && { uid, gid: uid }),
    });
    const hello = Promise.withResolvers<Hello>();
    this.hello = hello.promise;
    this.#child.on("exit", (code) => hello.reject(new Error(`the runner ended with ${code}`)));
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream });
    lines.once("line", (first) => {
      hello.resolve(JSON.parse(first));
      lines.on("line", (line) => {
        const { id, ...answer } = JSON.parse(line) as Answer & { id: number };
        this.#waiting.get(id)?.(answer);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Scratch folders that are there. */
  folders(): readonly string[] {
    return readdirSync(this.scratch);
  }

  run(payload: object): Promise<Answer> {
    return this.start(payload).answer;
  }

  start(payload: object): { readonly answer: Promise<Answer>; abort(reason: string): void } {
    const id = this.#next++;
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.set(id, answer.resolve);
    this.#send({ id, payload });
    return { answer: answer.promise, abort: (reason) => this.#send({ id, abort: reason }) };
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end();
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.kill();
      await gone;
    }
    rmSync(this.scratch, { recursive: true, force: true });
  }

  #send(message: object): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
