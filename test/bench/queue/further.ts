/** What the queue's benchmark measures beside the comparison, each part on a Redis of its own. */
import { setTimeout as delay } from "node:timers/promises";
import { percentile } from "../../../components/cli/demo/summary.ts";
import type { TestRedis } from "../../support/redis-server.ts";
import { type Figure, figure } from "../figures.ts";
import noop from "./handlers/noop.ts";
import { benchRedis, processorMs } from "./server.ts";
import { drain, enqueueRate, processingRate } from "./side.ts";
import { TaskfleetSide } from "./taskfleet-side.ts";

const ROUNDS = 3;
const WARM_UP = 5_000;

async function withFleet<T>(
  workers: number,
  use: (side: TaskfleetSide, server: TestRedis) => Promise<T>,
): Promise<T> {
  const server = await benchRedis();
  try {
    const side = await TaskfleetSide.start(server, workers);
    try {
      return await use(side, server);
    } finally {
      await side.close();
    }
  } finally {
    await server.stop();
  }
}

async function times(rounds: number, one: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) values.push(await one());
  return values;
}

/** One, two and four worker processes on one queue. */
export async function processes(bytes: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const workers of [1, 2, 4]) {
    const rates = await withFleet(workers, async (side) => {
      await processingRate(side, WARM_UP * workers, bytes);
      return times(ROUNDS, () => processingRate(side, 60_000, bytes));
    });
    figures.push(figure(`process, ${workers} worker process${workers > 1 ? "es" : ""}`, "tasks/s", rates));
  }
  return figures;
}

/** Processor time of a task, by who spends it: where a faster machine, or better code, would help. */
export async function costs(bytes: number): Promise<Figure[]> {
  const tasks = 30_000;
  return withFleet(1, async (side, server) => {
    await processingRate(side, WARM_UP, bytes);
    const us = (ms: number) => (1_000 * ms) / tasks;
    const redis = () => processorMs(Number(server.process.pid));
    const worker = () => side.pids.reduce((sum, pid) => sum + processorMs(pid), 0);
    const found = {
      push: [] as number[],
      pushRedis: [] as number[],
      run: [] as number[],
      runRedis: [] as number[],
    };
    for (let round = 0; round < ROUNDS; round++) {
      await side.pause();
      const [before, own] = [redis(), process.cpuUsage()];
      await side.enqueue(tasks, bytes);
      const { user, system } = process.cpuUsage(own);
      found.push.push((user + system) / tasks);
      found.pushRedis.push(us(redis() - before));
      const [held, taken] = [worker(), redis()];
      await drain(side);
      found.run.push(us(worker() - held));
      found.runRedis.push(us(redis() - taken));
    }
    return [
      figure("processor time of a push: the pushing process", "µs", found.push),
      figure("processor time of a push: Redis", "µs", found.pushRedis),
      figure("processor time of a task: the worker", "µs", found.run),
      figure("processor time of a task: Redis", "µs", found.runRedis),
    ];
  });
}

/** Larger payloads. */
export async function payloads(): Promise<Figure[]> {
  const sizes = [
    { name: "1 kB", bytes: 1_000, tasks: 30_000 },
    { name: "100 kB", bytes: 100_000, tasks: 1_000 },
  ];
  return withFleet(1, async (side) => {
    const figures: Figure[] = [];
    await processingRate(side, WARM_UP, 100);
    for (const { name, bytes, tasks } of sizes) {
      const enqueued = await times(ROUNDS, async () => {
        const rate = await enqueueRate(side, tasks, bytes);
        await drain(side);
        return rate;
      });
      figures.push(figure(`enqueue, payloads of ${name}`, "tasks/s", enqueued));
      const processed = await times(ROUNDS, () => processingRate(side, tasks, bytes));
      figures.push(figure(`process, payloads of ${name}`, "tasks/s", processed));
    }
    return figures;
  });
}

const TICK_MS = 10;
const LOAD_MS = 5_000;

/** From push to result while half as many tasks come as one worker process can do. */
export async function latency(bytes: number): Promise<Figure[]> {
  return withFleet(1, async (side) => {
    await processingRate(side, WARM_UP, bytes);
    const most = percentile(await times(ROUNDS, () => processingRate(side, 40_000, bytes)), 0.5);
    const each = Math.max(1, Math.round((most / 2) * (TICK_MS / 1000)));
    const text = "x".repeat(bytes);
    const pushes: Promise<readonly { readonly id: string }[]>[] = [];
    const started = performance.now();
    for (let tick = 0; tick * TICK_MS < LOAD_MS; tick++) {
      await delay(Math.max(0, started + tick * TICK_MS - performance.now()));
      pushes.push(
        side.client.pushMany(Array.from({ length: each }, () => ({ handler: noop, payload: { text } }))),
      );
    }
    const ids = (await Promise.all(pushes)).flat().map(({ id }) => id);
    const outcomes = await side.client.waitAll(ids);
    const waits = [...outcomes.values()].flatMap((outcome) =>
      outcome.state === "settled" ? [outcome.result.finished_at - outcome.result.enqueued_at] : [],
    );
    return [figure(`push to end of run at half load (${Math.round(most / 2)} tasks/s)`, "ms", waits)];
  });
}

const MILLION = 1_000_000;

function usedBytes(info: string): number {
  return Number(/^used_memory:(\d+)/m.exec(info)?.[1]);
}

/** A million queued tasks: their memory, and the time until all have ended. */
export async function million(bytes: number): Promise<Figure[]> {
  return withFleet(2, async (side, server) => {
    await processingRate(side, WARM_UP, bytes);
    const memory = async () => usedBytes(await server.client.info("memory"));
    const before = await memory();
    await side.pause();
    await side.enqueue(MILLION, bytes);
    const perTask = ((await memory()) - before) / MILLION;
    const started = performance.now();
    await drain(side);
    const seconds = (performance.now() - started) / 1000;
    return [
      figure("1,000,000 queued tasks of 100 B, memory of each", "bytes", [perTask]),
      figure("1,000,000 queued tasks, drained by 2 worker processes", "s", [seconds]),
    ];
  });
}

const IDLE_WORKERS = 100;
const IDLE_MS = 20_000;

/** What workers cost that have nothing to do. */
export async function idleWorkers(): Promise<Figure[]> {
  return withFleet(IDLE_WORKERS, async (side, server) => {
    const used = () => ({
      workers: side.pids.reduce((sum, pid) => sum + processorMs(pid), 0),
      redis: processorMs(Number(server.process.pid)),
    });
    await delay(IDLE_MS);
    const before = used();
    await delay(IDLE_MS);
    const after = used();
    const share = (ms: number) => [(100 * ms) / IDLE_MS];
    return [
      figure(`${IDLE_WORKERS} idle workers together`, "% of a core", share(after.workers - before.workers)),
      figure(`Redis under ${IDLE_WORKERS} idle workers`, "% of a core", share(after.redis - before.redis)),
    ];
  });
}
