import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../support/wait.ts";

const MAIN = fileURLToPath(new URL("../../../worker/src/main.ts", import.meta.url));

export type LogRecord = Readonly<Record<string, unknown>>;

/** A role as a process of this machine, and what it logs. */
export class Role {
  readonly child: ChildProcess;
  readonly records: LogRecord[] = [];

  constructor(word: string, env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [MAIN, word], {
      env,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child = child;
    let rest = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.records.push(...lines.map((line) => JSON.parse(line) as LogRecord));
    });
  }

  /** Its first record of that event. */
  said(message: string): Promise<LogRecord> {
    return waitFor(`the record ${message}`, () => this.records.find((one) => one.message === message));
  }

  /** Where its /health answers. */
  async address(word: string): Promise<string> {
    return String((await this.said(`${word}_starting`)).address);
  }

  /** Ends it and returns its exit code, `null` for a killed one. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode;
    const ended = once(this.child, "exit");
    this.child.kill(signal);
    return (await ended)[0];
  }
}
