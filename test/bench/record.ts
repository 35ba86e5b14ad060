/** `npm run bench -- record`: what the record costs the queue, with it and without it in turns. */
import { setTimeout as delay } from "node:timers/promises";
import type { TestPostgres } from "../support/postgres-server.ts";
import { type Figure, figure, markdown, ratios } from "./figures.ts";
import noop from "./queue/handlers/noop.ts";
import { processingRate } from "./queue/side.ts";
import { benchPostgres } from "./record/server.ts";
import { RecordSide, type Used } from "./record/side.ts";

const ROUNDS = 5;
const BYTES = 100;
const TASKS = 30_000;
const WARM_UP = 10_000;
/** Offered load. */
const PER_SECOND = 5_000;
const OFFERED_SECONDS = 10;
const TICK_MS = 10;

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);
const seconds = (since: number) => (performance.now() - since) / 1000;

interface Ceiling {
  readonly off: number[];
  readonly on: number[];
  readonly away: number[];
  /** Processor time of a task, worker and Redis, in µs; and of its two changes in spawner and PostgreSQL. */
  readonly offCost: number[];
  readonly awayCost: number[];
  readonly onCost: number[];
  readonly write: number[];
  /** From the last task's end until the record has all. */
  readonly drain: number[];
  readonly shares: Readonly<Record<string, number>>[];
}

function perTask(before: Used, after: Used, who: readonly string[]): number {
  const spent = who.reduce((sum, one) => sum + (after[one] ?? 0) - (before[one] ?? 0), 0);
  return (1_000 * spent) / TASKS;
}

async function rate(side: RecordSide, rates: number[], costs: number[]): Promise<void> {
  const before = side.used();
  rates.push(await processingRate(side.fleet, TASKS, BYTES));
  costs.push(perTask(before, side.used(), ["the worker", "Redis"]));
}

/** As fast as the fleet can, in turns, so that a slow moment of the machine meets both. */
async function ceiling(off: RecordSide, on: RecordSide, away: RecordSide): Promise<Ceiling> {
  const found: Ceiling = {
    ...{ off: [], on: [], away: [], offCost: [], onCost: [], awayCost: [], write: [] },
    ...{ drain: [], shares: [] },
  };
  for (const side of [off, on, away]) await processingRate(side.fleet, WARM_UP, BYTES);
  await on.recorded();
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}`);
    await rate(off, found.off, found.offCost);
    await rate(away, found.away, found.awayCost);
    const before = on.used();
    const started = performance.now();
    await rate(on, found.on, found.onCost);
    const ended = performance.now();
    await on.recorded();
    found.drain.push(seconds(ended));
    found.write.push(perTask(before, on.used(), ["the spawner", "PostgreSQL"]));
    found.shares.push(on.shares(before, performance.now() - started));
  }
  return found;
}

interface Offered {
  readonly wait: number[];
  /** From the last push until the record has all. */
  readonly drain: number;
  readonly shares: Readonly<Record<string, number>>;
}

/** A steady stream of pushes; how long each task takes until its end. */
async function offered(side: RecordSide): Promise<Offered> {
  const text = "x".repeat(BYTES);
  const pushes: Promise<readonly { readonly id: string }[]>[] = [];
  const before = side.used();
  const started = performance.now();
  for (let tick = 0; tick * TICK_MS < OFFERED_SECONDS * 1000; tick++) {
    await delay(Math.max(0, started + tick * TICK_MS - performance.now()));
    const tasks = Array.from({ length: (PER_SECOND * TICK_MS) / 1000 }, () => ({
      handler: noop,
      payload: { text },
    }));
    pushes.push(side.fleet.client.pushMany(tasks));
  }
  const ids = (await Promise.all(pushes)).flat().map(({ id }) => id);
  const last = performance.now();
  const outcomes = await side.fleet.client.waitAll(ids);
  await side.recorded();
  const wait = [...outcomes.values()].flatMap((outcome) =>
    outcome.state === "settled" ? [outcome.result.finished_at - outcome.result.enqueued_at] : [],
  );
  return { wait, drain: seconds(last), shares: side.shares(before, performance.now() - started) };
}

function shareFigures(when: string, shares: readonly Readonly<Record<string, number>>[]): Figure[] {
  return Object.keys(shares[0] ?? {}).map((who) =>
    figure(
      `${when}: processor of ${who}`,
      "% of a core",
      shares.map((share) => share[who] ?? 0),
    ),
  );
}

async function measure(postgres: TestPostgres): Promise<Figure[]> {
  const [off, on] = [await RecordSide.start(null), await RecordSide.start(postgres)];
  const away = await RecordSide.start(null, true);
  try {
    const top = await ceiling(off, on, away);
    const lost = await on.lost();
    progress(`${PER_SECOND} tasks a second for ${OFFERED_SECONDS} s, without and with the record`);
    const [plain, recorded] = [await offered(off), await offered(on)];
    const rows = await on.rows();
    const pushed = WARM_UP + ROUNDS * TASKS + PER_SECOND * OFFERED_SECONDS;
    const load = `${PER_SECOND} tasks/s offered`;
    const costs = (rates: readonly number[]) => ratios(rates, top.off, 100).map((kept) => 100 - kept);
    return [
      figure("process, without the record", "tasks/s", top.off),
      figure("process, with the record", "tasks/s", top.on),
      figure("cost of the record, share of the ceiling", "%", costs(top.on), 15),
      figure("of it, telling alone: the record's database is away", "%", costs(top.away)),
      figure("processor time of a task, worker and Redis, without the record", "µs", top.offCost),
      figure("the same with the record's database away", "µs", top.awayCost),
      figure("the same with the record", "µs", top.onCost),
      figure("the record of a task: spawner and PostgreSQL", "µs", top.write),
      figure("ceiling: until the record has all, after the last task", "s", top.drain),
      ...shareFigures("ceiling", top.shares),
      figure(`${load}: push to end of run, without the record`, "ms", plain.wait),
      figure(`${load}: push to end of run, with the record`, "ms", recorded.wait),
      figure(`${load}: until the record has all, after the last push`, "s", [recorded.drain]),
      ...shareFigures(load, [recorded.shares]),
      figure("changes lost", "rows", [lost + (await on.lost())], 0),
      figure("tasks without a finished row", "rows", [pushed - rows], 0),
    ];
  } finally {
    await Promise.all([off.close(), on.close(), away.close()]);
  }
}

const postgres = await benchPostgres();
try {
  const figures = await measure(postgres);
  const json = process.argv.includes("--json");
  process.stdout.write(`${json ? JSON.stringify({ bench: "record", figures }) : markdown(figures)}\n`);
} finally {
  await postgres.stop();
}
