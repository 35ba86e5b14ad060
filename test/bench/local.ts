/** `npm run bench -- local`: what a fleet on this machine costs, measured as its user meets it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { type Client, createClient } from "@taskfleet/worker/client";
import sleep from "../../examples/handlers/sleep.ts";
import { isRunFileName, parseRunFile, type RunFile } from "../../worker/contract/run-file.ts";
import { ProjectCopy } from "../support/project-copy.ts";
import { waitFor } from "../support/wait.ts";
import { type Figure, figure, markdown } from "./figures.ts";

/** The demo's policy, with a shorter idle time so that the fleet is often at zero. */
const CONFIG = { handlers: "examples/handlers", "scaling.interval": "1", "scaling.idleToZero": "2" };
const PATIENT = { timeoutMs: 120_000 };

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);

class Bench {
  readonly project = new ProjectCopy();
  readonly #stack = join(this.project.state, "local");
  #client: Client | undefined;

  get client(): Client {
    if (this.#client !== undefined) return this.#client;
    const { REDIS_URL = "", REDIS_PASSWORD_FILE = "" } = parseEnv(
      readFileSync(join(this.#stack, "client.env"), "utf8"),
    );
    this.#client = createClient({
      redisUrl: REDIS_URL,
      redisPassword: readFileSync(REDIS_PASSWORD_FILE, "utf8"),
    });
    return this.#client;
  }

  async must(what: Promise<{ readonly code: number | null; readonly output: string }>): Promise<void> {
    const { code, output } = await what;
    if (code !== 0) throw new Error(output);
  }

  /** Workers that run or start. */
  workers(): RunFile[] {
    const run = join(this.#stack, "run");
    if (!existsSync(run)) return [];
    return readdirSync(run)
      .filter(isRunFileName)
      .flatMap((name) => {
        try {
          return parseRunFile(readFileSync(join(run, name), "utf8")) ?? [];
        } catch {
          return [];
        }
      });
  }

  atZero(): Promise<true> {
    return waitFor("the fleet at zero", () => this.workers().length === 0, PATIENT) as Promise<true>;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.must(this.project.taskfleet("down"));
    this.project.remove();
  }
}

/** Ms from before the push to the start of the run that ended the task. */
async function pushToStart({ client }: Bench): Promise<number> {
  const pushed = Date.now();
  const { id } = await client.push(sleep, { ms: 0 });
  const outcome = await client.wait(id);
  if (outcome.state !== "settled" || outcome.result.started_at === undefined)
    throw new Error(`task ${id} has no result`);
  return outcome.result.started_at - pushed;
}

async function times(runs: number, one: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let run = 0; run < runs; run++) values.push(await one());
  return values;
}

async function upWithoutChanges(bench: Bench): Promise<Figure> {
  progress("pulumi up without changes");
  const values = await times(5, async () => {
    const started = performance.now();
    await bench.must(bench.project.taskfleet("up"));
    return performance.now() - started;
  });
  return figure("`up` without changes", "ms", values, 6_000);
}

async function fromZero(bench: Bench): Promise<Figure> {
  progress("push to start, fleet at zero");
  const values = await times(10, async () => {
    await bench.atZero();
    return pushToStart(bench);
  });
  return figure("push to start, fleet at zero", "ms", values, 2_000);
}

async function warm(bench: Bench): Promise<Figure> {
  progress("push to start, a worker waiting");
  await pushToStart(bench);
  return figure("push to start, a worker waiting", "ms", await times(200, () => pushToStart(bench)), 20);
}

/** From SIGKILL to the start of the run that ended the task. */
async function reclaim(bench: Bench): Promise<Figure> {
  progress("reclaim after SIGKILL");
  const values = await times(5, async () => {
    await bench.atZero();
    const { id } = await bench.client.push(sleep, { ms: 3_000 });
    const busy = await waitFor(
      "a worker",
      () => bench.workers().find(({ worker_pid }) => worker_pid !== null),
      PATIENT,
    );
    await waitFor("the task to be taken", async () => (await holder(bench)) !== undefined, PATIENT);
    const killed = Date.now();
    process.kill((await holder(bench)) ?? Number(busy.worker_pid), "SIGKILL");
    const outcome = await bench.client.wait(id);
    if (outcome.state !== "settled") throw new Error(`task ${id} was lost`);
    return Number(outcome.result.started_at) - killed;
  });
  return figure("SIGKILL to the next run's start", "ms", values, 10_000);
}

/** Pid of the worker that reports a task. */
async function holder(bench: Bench): Promise<number | undefined> {
  const { output } = await bench.project.queue(clientEnv(bench), "status", "--json");
  const { workers } = JSON.parse(output) as { workers: { pid: number; holding: number }[] };
  return workers.find(({ holding }) => holding > 0)?.pid;
}

function clientEnv(bench: Bench): NodeJS.ProcessEnv {
  return parseEnv(readFileSync(join(bench.project.state, "local", "client.env"), "utf8"));
}

function residentMiB(pid: number): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}

/** A worker that has run one task and waits for the next, and the small parent beside it. */
async function memory(bench: Bench): Promise<Figure[]> {
  progress("memory of an idle worker");
  await bench.atZero();
  await pushToStart(bench);
  const running = bench.workers().filter(({ worker_pid }) => worker_pid !== null);
  const workers = running.map(({ worker_pid }) => residentMiB(Number(worker_pid)));
  const parents = running.map(({ supervisor_pid }) => residentMiB(supervisor_pid));
  return [
    figure("idle worker, resident", "MiB", workers, 110),
    figure("its parent, resident", "MiB", parents),
  ];
}

async function run(bench: Bench): Promise<Figure[]> {
  progress("pulumi up from nothing");
  await bench.must(bench.project.taskfleet("setup"));
  for (const [key, value] of Object.entries(CONFIG))
    await bench.must(
      bench.project.pulumi("config", "set", "--path", `taskfleet:fleet.${key}`, value, "-s", "local"),
    );
  const started = performance.now();
  await bench.must(bench.project.taskfleet("up"));
  const first = figure("`up` from nothing", "ms", [performance.now() - started]);
  return [
    first,
    await upWithoutChanges(bench),
    await fromZero(bench),
    await warm(bench),
    await reclaim(bench),
    ...(await memory(bench)),
  ];
}

const bench = new Bench();
try {
  const figures = await run(bench);
  const json = process.argv.includes("--json");
  process.stdout.write(`${json ? JSON.stringify({ bench: "local", figures }) : markdown(figures)}\n`);
} finally {
  await bench.close();
}
