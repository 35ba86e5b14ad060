/** `npm run bench -- compose`: what a Compose stack costs, measured as its user meets it, on an engine of its own. */
import { readFileSync } from "node:fs";
import { type Client, createClient } from "@taskfleet/worker/client";
import sleep from "../../examples/handlers/sleep.ts";
import { TestEngine } from "../compose/engine.ts";
import { FleetStack, stackImages, stackProblem } from "../compose/fleet-stack.ts";
import { waitFor } from "../support/wait.ts";
import { type Figure, figure, markdown, ratios } from "./figures.ts";

const PATIENT = { timeoutMs: 300_000, everyMs: 200 };
const TASKS = 4_000;

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);

class Bench {
  readonly #engine: TestEngine;
  readonly stack: FleetStack;
  #client: Client | undefined;

  constructor(engine: TestEngine) {
    this.#engine = engine;
    this.stack = new FleetStack(engine, stackImages(engine));
  }

  get client(): Client {
    const { REDIS_URL = "", REDIS_PASSWORD_FILE = "" } = this.stack.client();
    this.#client ??= createClient({
      redisUrl: REDIS_URL,
      redisPassword: readFileSync(REDIS_PASSWORD_FILE, "utf8"),
    });
    return this.#client;
  }

  async up(): Promise<number> {
    const started = performance.now();
    const { code, output } = await this.stack.up();
    if (code !== 0) throw new Error(output);
    return performance.now() - started;
  }

  /** `taskfleet scale N`, and N workers that report. */
  async scale(order: string, workers?: number): Promise<void> {
    await this.queueCommand("scale", order);
    if (workers === undefined) return;
    await waitFor(`${workers} workers`, async () => (await this.live()) === workers, PATIENT);
  }

  async live(): Promise<number> {
    const { workers } = JSON.parse(await this.queueCommand("status", "--json")) as {
      workers: { state: string }[];
    };
    return workers.filter(({ state }) => state !== "draining").length;
  }

  async queueCommand(...words: readonly string[]): Promise<string> {
    const { code, output } = await this.stack.project.queue(this.stack.client(), ...words);
    if (code !== 0) throw new Error(output);
    return output;
  }

  /** Resident memory of each of the project's containers, in MiB, by service. */
  memory(): ReadonlyMap<string, number> {
    const ids = this.#engine.ps(this.stack.name);
    const format = '{{.State.Pid}} {{index .Config.Labels "com.docker.compose.service"}}';
    const lines = ids.map((id) => this.#engine.run("inspect", "--format", format, id).trim());
    const stats = this.#engine.run("stats", "--no-stream", "--format", "{{.ID}} {{.MemUsage}}", ...ids);
    const used = new Map(
      stats
        .trim()
        .split("\n")
        .map((line) => [line.split(" ")[0] ?? "", mebibytes(line.split(" ")[1] ?? "")]),
    );
    const sums = new Map<string, number>();
    for (const [i, id] of ids.entries()) {
      const service = lines[i]?.split(" ")[1] ?? "";
      sums.set(service, (sums.get(service) ?? 0) + (used.get(id.slice(0, 12)) ?? 0));
    }
    return sums;
  }

  async close(): Promise<void> {
    await this.#client?.close();
    await this.stack.remove();
  }
}

/** `12.5MiB` as the engine prints it. */
function mebibytes(text: string): number {
  const [, amount = "0", unit = "B"] = /^([\d.]+)(\w+)$/.exec(text) ?? [];
  return Number(amount) * ({ B: 2 ** -20, KiB: 2 ** -10, MiB: 1, GiB: 2 ** 10 }[unit] ?? Number.NaN);
}

async function times(runs: number, one: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let run = 0; run < runs; run++) values.push(await one());
  return values;
}

async function fromZero(bench: Bench): Promise<Figure> {
  progress("push to start, no container running");
  const values = await times(5, async () => {
    await waitFor("no workers", async () => (await bench.live()) === 0, PATIENT);
    const pushed = Date.now();
    const { id } = await bench.client.push(sleep, { ms: 0 });
    const outcome = await bench.client.wait(id);
    if (outcome.state !== "settled") throw new Error(`task ${id} has no result`);
    return Number(outcome.result.started_at) - pushed;
  });
  return figure("push to start, no worker's container", "ms", values);
}

/** Tasks a second that so many containers work off; the slowest part is the processor that each may use. */
async function throughput(bench: Bench, containers: number): Promise<number> {
  await bench.scale(String(containers), containers);
  await bench.queueCommand("queue", "pause");
  const task = { handler: sleep, payload: { ms: 0, steps: 1 } };
  const pushed = await bench.client.pushMany(Array.from({ length: TASKS }, () => task));
  const started = performance.now();
  await bench.queueCommand("queue", "resume");
  await bench.client.waitAll(pushed.map(({ id }) => id));
  return (1000 * TASKS) / (performance.now() - started);
}

async function containers(bench: Bench): Promise<Figure[]> {
  const one: number[] = [];
  const four: number[] = [];
  for (let round = 1; round <= 3; round++) {
    progress(`tasks a second through 1 container and through 4, round ${round}`);
    one.push(await throughput(bench, 1));
    four.push(await throughput(bench, 4));
  }
  await bench.scale("resume");
  return [
    figure("tasks through 1 container", "tasks/s", one),
    figure("tasks through 4 containers", "tasks/s", four),
    figure("4 containers beside 1", "x", ratios(four, one)),
  ];
}

async function memory(bench: Bench): Promise<Figure[]> {
  progress("memory of the idle stack");
  await waitFor("no workers", async () => (await bench.live()) === 0, PATIENT);
  const services = [...bench.memory()].toSorted(([, a], [, b]) => b - a);
  const whole = services.reduce((sum, [, amount]) => sum + amount, 0);
  return [
    figure("idle stack, all services", "MiB", [whole]),
    ...services
      .filter(([, amount]) => amount > 0)
      .map(([name, amount]) => figure(`of that: ${name}`, "MiB", [amount])),
  ];
}

async function run(bench: Bench): Promise<Figure[]> {
  await bench.stack.configure({ "fleet.handlers": "examples/handlers", "fleet.scaling.max": "4" });
  progress("up from nothing, images present");
  const first = figure("`up` from nothing, images present", "ms", [await bench.up()]);
  progress("up without changes");
  const again = figure("`up` without changes", "ms", await times(5, () => bench.up()));
  return [...[first, again, await fromZero(bench)], ...(await containers(bench)), ...(await memory(bench))];
}

const problem = stackProblem();
if (problem !== undefined) throw new Error(problem);
const engine = new TestEngine();
await engine.begin();
const bench = new Bench(engine);
try {
  const figures = await run(bench);
  const json = process.argv.includes("--json");
  process.stdout.write(`${json ? JSON.stringify({ bench: "compose", figures }) : markdown(figures)}\n`);
} finally {
  await bench.close();
  await engine.stop();
}
