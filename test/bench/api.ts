/** `npm run bench -- api`: pushes over HTTP, beside the framework's own limit, in one run. */

import { post } from "./api/client.ts";
import { forget, type Server, startApi, startEmpty } from "./api/servers.ts";
import { type Figure, figure, markdown, ratios } from "./figures.ts";
import { benchRedis, processorMs } from "./queue/server.ts";

const ROUNDS = 5;
const ROUND_MS = 4_000;
const WARM_UP_MS = 2_000;
const BATCH = 100;

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);
const task = { kind: "noop", payload: { text: "x".repeat(100) } };

/** One way of pushing, measured on both servers turn by turn. */
interface Way {
  readonly name: string;
  readonly tasks: number;
  readonly body: string;
  readonly ours: number[];
  readonly empty: number[];
  /** Processor time of a request, in µs. */
  readonly costs: number[];
  readonly emptyCosts: number[];
  readonly latencies: number[];
}

function way(name: string, tasks: number, body: unknown): Way {
  const measured = { ours: [], empty: [], costs: [], emptyCosts: [], latencies: [] };
  return { name, tasks, body: JSON.stringify(body), ...measured };
}

async function measure(server: Server, { body, tasks }: Way, ms: number) {
  const before = processorMs(server.pid);
  const { requestsPerSecond, latencies } = await post(server.base, server.key, body, ms);
  const spentMs = processorMs(server.pid) - before;
  const cost = (1000 * spentMs) / latencies.length;
  return { rate: requestsPerSecond * tasks, cost, latencies };
}

async function rounds(ways: readonly Way[]): Promise<void> {
  const redis = await benchRedis();
  const [ours, empty] = [await startApi(redis), await startEmpty()];
  try {
    for (const one of ways) for (const server of [ours, empty]) await measure(server, one, WARM_UP_MS);
    for (let round = 1; round <= ROUNDS; round++)
      for (const one of ways) {
        progress(`round ${round} of ${ROUNDS}: ${one.name}`);
        await forget(redis);
        const mine = await measure(ours, one, ROUND_MS);
        const theirs = await measure(empty, one, ROUND_MS);
        one.ours.push(mine.rate);
        one.empty.push(theirs.rate);
        one.costs.push(mine.cost);
        one.emptyCosts.push(theirs.cost);
        one.latencies.push(...mine.latencies);
      }
  } finally {
    await Promise.all([ours.close(), empty.close()]);
    await redis.stop();
  }
}

function figures({ name, ours, empty, costs, emptyCosts, latencies }: Way): Figure[] {
  return [
    figure(`${name}`, "tasks/s", ours),
    figure(`${name}, empty handler`, "tasks/s", empty),
    figure(`${name}, share of the empty handler's`, "%", ratios(ours, empty, 100)),
    figure(`${name}, processor time of a request`, "µs", costs),
    figure(`${name}, the same, empty handler`, "µs", emptyCosts),
    figure(`${name}, answer`, "ms", latencies),
  ];
}

const WAYS = [
  way("POST /api/tasks, one task", 1, task),
  way(`POST /api/tasks, ${BATCH} tasks`, BATCH, { tasks: Array.from({ length: BATCH }, () => task) }),
];
await rounds(WAYS);
const all = WAYS.flatMap(figures);
const json = process.argv.includes("--json");
process.stdout.write(`${json ? JSON.stringify({ bench: "api", figures: all }) : markdown(all)}\n`);
