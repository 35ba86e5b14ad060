/** The fleet's status once a second, from one `taskfleet status --watch --json`. */
import { type ChildProcess, spawn } from "node:child_process";
import { on } from "node:events";
import { createInterface } from "node:readline";
import { EXIT } from "../../../worker/contract/exit-codes.ts";
import { PATHS } from "../../paths.ts";
import { CommandError } from "../command-error.ts";
import { stackEnvironment, withStack } from "../environment.ts";
import type { Status } from "./queue-command.ts";

const GIVE_UP_MS = 60_000;

export class StatusFeed {
  readonly #child: ChildProcess;
  readonly #lines: ReturnType<typeof createInterface>;

  private constructor(child: ChildProcess, lines: ReturnType<typeof createInterface>) {
    this.#child = child;
    this.#lines = lines;
  }

  static start(stack: string): StatusFeed {
    const child = spawn(process.execPath, [PATHS.workerMain, "status", "--watch", "--json"], {
      env: withStack(process.env, stackEnvironment(stack)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    return new StatusFeed(child, createInterface({ input: child.stdout }));
  }

  /** Every status from now on, until the feed stops or `signal` aborts. */
  async *statuses(signal: AbortSignal): AsyncGenerator<Status> {
    try {
      for await (const [line] of on(this.#lines, "line", { signal, close: ["close"] })) {
        // While Redis is away the line says so in words.
        if (line.startsWith("{")) yield JSON.parse(line) as Status;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Waits for a status in which `find` finds something. */
  async until<T>(what: string, find: (status: Status) => T | undefined): Promise<T> {
    for await (const status of this.statuses(AbortSignal.timeout(GIVE_UP_MS))) {
      const found = find(status);
      if (found !== undefined) return found;
    }
    throw new CommandError(`waited ${GIVE_UP_MS / 1000} s in vain for: ${what}`, EXIT.failed);
  }

  stop(): void {
    this.#child.kill("SIGTERM");
  }
}
