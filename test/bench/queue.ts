/** `npm run bench -- queue`: what the queue can do, beside BullMQ and beside Redis' own limit, in one run. */
import { EXIT } from "../../worker/contract/exit-codes.ts";
import type { TestRedis } from "../support/redis-server.ts";
import { type Figure, figure, markdown, ratios } from "./figures.ts";
import { BullmqSide } from "./queue/bullmq-side.ts";
import { costs, idleWorkers, latency, million, payloads, processes } from "./queue/further.ts";
import { limitRate } from "./queue/limit.ts";
import { benchRedis } from "./queue/server.ts";
import { drain, enqueueRate, processingRate } from "./queue/side.ts";
import { TaskfleetSide } from "./queue/taskfleet-side.ts";

const ROUNDS = 5;
const BYTES = 100;
/** Tasks of one measurement, the same for all sides, so that their data and logs grow alike. */
const TASKS = 30_000;
const WARM_UP = 10_000;

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);

interface Rates {
  readonly ours: number[];
  readonly bullmq: number[];
}

interface Head {
  readonly enqueue: Rates;
  readonly process: Rates;
  readonly limit: number[];
}

/** Every round measures all sides one after the other, so that a slow moment of the machine meets each. */
async function head(ours: TaskfleetSide, server: TestRedis, peer: BullmqSide): Promise<Head> {
  const found: Head = { enqueue: { ours: [], bullmq: [] }, process: { ours: [], bullmq: [] }, limit: [] };
  await processingRate(ours, WARM_UP, BYTES);
  await processingRate(peer, WARM_UP, BYTES);
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`round ${round} of ${ROUNDS}: enqueue, process, limit`);
    found.enqueue.ours.push(await enqueueRate(ours, TASKS, BYTES));
    await drain(ours);
    found.enqueue.bullmq.push(await enqueueRate(peer, TASKS, BYTES));
    await drain(peer);
    found.process.ours.push(await processingRate(ours, TASKS, BYTES));
    found.process.bullmq.push(await processingRate(peer, TASKS, BYTES));
    found.limit.push(await limitRate(server, ours.redis, TASKS, BYTES));
  }
  return found;
}

function headFigures({ enqueue, process: processing, limit }: Head): Figure[] {
  return [
    figure("enqueue", "tasks/s", enqueue.ours),
    figure("enqueue, BullMQ", "tasks/s", enqueue.bullmq),
    figure("enqueue, ratio to BullMQ", "x", ratios(enqueue.ours, enqueue.bullmq), 8),
    figure("process, one worker process", "tasks/s", processing.ours),
    figure("process, BullMQ, one worker process", "tasks/s", processing.bullmq),
    figure("process, ratio to BullMQ", "x", ratios(processing.ours, processing.bullmq), 4),
    figure("limit: the same script calls, encoded beforehand", "tasks/s", limit),
    figure("process, share of the limit", "%", ratios(processing.ours, limit, 100), 70),
  ];
}

const p50 = (figures: readonly Figure[], what: string) => figures.find((one) => one.what === what)?.p50;

/** The head of the table by name, for programs. */
function headRecord(figures: readonly Figure[]) {
  return {
    enqueue: {
      perSecond: p50(figures, "enqueue"),
      bullmqPerSecond: p50(figures, "enqueue, BullMQ"),
      ratioToBullmq: p50(figures, "enqueue, ratio to BullMQ"),
    },
    process: {
      perSecond: p50(figures, "process, one worker process"),
      bullmqPerSecond: p50(figures, "process, BullMQ, one worker process"),
      ratioToBullmq: p50(figures, "process, ratio to BullMQ"),
      limitPerSecond: p50(figures, "limit: the same script calls, encoded beforehand"),
      shareOfLimit: (p50(figures, "process, share of the limit") ?? 0) / 100,
    },
  };
}

async function measureHead(): Promise<Figure[]> {
  const [server, peerServer] = [await benchRedis(), await benchRedis()];
  const ours = await TaskfleetSide.start(server, 1);
  const peer = await BullmqSide.start(peerServer);
  try {
    return headFigures(await head(ours, server, peer));
  } finally {
    await Promise.all([ours.close(), peer.close()]);
    await Promise.all([server.stop(), peerServer.stop()]);
  }
}

const PARTS: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  head: measureHead,
  costs: () => costs(BYTES),
  processes: () => processes(BYTES),
  payloads,
  latency: () => latency(BYTES),
  million: () => million(BYTES),
  idle: idleWorkers,
};

/** The parts that `--part` names, all without. */
function chosen(): string[] {
  const at = process.argv.indexOf("--part");
  const names = at === -1 ? Object.keys(PARTS) : (process.argv[at + 1] ?? "").split(",");
  const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
  if (unknown.length === 0) return names;
  process.stderr.write(
    `taskfleet: --part: there is no ${unknown.join(", ")}; the parts are ${Object.keys(PARTS).join(", ")}\n`,
  );
  process.exit(EXIT.usage);
}

const figures: Figure[] = [];
for (const name of chosen()) {
  progress(name);
  figures.push(...((await PARTS[name]?.()) ?? []));
}
const json = process.argv.includes("--json");
const headed = figures.some(({ what }) => what === "enqueue");
const record = { bench: "queue", ...(headed ? headRecord(figures) : {}), figures };
process.stdout.write(`${json ? JSON.stringify(record) : markdown(figures)}\n`);
