import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { TestQueue } from "../../support/queue.ts";
import { waitFor } from "../../support/wait.ts";

const MAIN = join(import.meta.dirname, "../../../worker/src/main.ts");
export const FIXTURE_HANDLERS = join(import.meta.dirname, "../fixtures/handlers");

/** One log line. */
export type LogRecord = Readonly<Record<string, unknown>> & { readonly message: string };

/** Quick beats, and no end by itself. */
const TEST_SETTINGS = {
  TASKFLEET_HANDLERS: FIXTURE_HANDLERS,
  TASKFLEET_IMAGE_TAG: "bundle:sha256:test",
  TASKFLEET_LEASE: "1.5",
  TASKFLEET_CANCEL_GRACE: "0.3",
  TASKFLEET_RETRY_BASE: "0",
  WORKER_POLL_INTERVAL: "0.5",
  WORKER_IDLE_EXIT: "0",
  WORKER_MAX_UPTIME: "0",
};

/** Who runs it, and by which Node; without `uid`, the test's own user. */
export interface ProcessUser {
  readonly node: string;
  readonly uid?: number;
}

/** A real `worker` or `supervise` process on a test's queue. */
export class WorkerProcess {
  readonly id: string;
  readonly child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";

  constructor(
    queue: TestQueue,
    environment: Readonly<Record<string, string>> = {},
    role: "worker" | "supervise" = "worker",
    main: string = MAIN,
    { node, uid }: ProcessUser = { node: process.execPath },
  ) {
    this.id = `${queue.stream}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
    this.child = spawn(node, [main, role], {
      ...(uid === undefined ? {} : { uid, gid: uid }),
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        ...TEST_SETTINGS,
        REDIS_URL: queue.server.url,
        TASKFLEET_QUEUE_NAME: queue.stream,
        WORKER_ID: this.id,
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#ended = once(this.child, "exit");
    for (const channel of [this.child.stdout, this.child.stderr]) {
      channel?.on("data", (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
  }

  /** Everything that it printed so far. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error("the process was not started");
    return this.child.pid;
  }

  /** Whole log lines so far; what is no JSON is left out. */
  get records(): LogRecord[] {
    const lines = this.#output.split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as LogRecord);
  }

  of(message: string): LogRecord[] {
    return this.records.filter((record) => record.message === message);
  }

  /** Waits for a record of this event that fits. */
  logged(message: string, fits: (record: LogRecord) => boolean = () => true): Promise<LogRecord> {
    return waitFor(`${message} in the log, which is:\n${this.#output}`, () => this.of(message).find(fits));
  }

  /** Waits until it reads tasks. */
  async ready(): Promise<this> {
    await this.logged("skills_initialized");
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** Waits for its end; the exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals | null> {
    await this.#ended;
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Ends it at once, if it still runs. */
  async remove(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.#ended;
  }
}
