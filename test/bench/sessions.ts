/** `npm run bench -- sessions`: how soon 1,000 followers of one API hear of the ends of their tasks. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { buildBundle } from "../../worker/build.ts";
import { SESSION_KEY_PROTOCOL, SESSION_PATH, SESSION_PROTOCOL } from "../../worker/contract/sessions.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";
import { type Figure, figure, markdown } from "./figures.ts";
import { benchRedis, processorMs } from "./queue/server.ts";
import { STREAM, TaskfleetSide } from "./queue/taskfleet-side.ts";

const FOLLOWERS = 1_000;
const RATES = [100, 300, 1_000] as const;
const WARM_UP_SECONDS = 3;
const SECONDS = 15;
const TICK_MS = 10;
const KEY = ["key", "of", "the", "benchmark"].join("-");

const progress = (text: string) => process.stderr.write(`bench: ${text}\n`);

interface Delays {
  /** From the script that settled the task to its receipt here, both by the machine's clock. */
  readonly event: number[];
  /** From the push here to the receipt of the end. */
  readonly whole: number[];
}

/** One client with a session; it pushes tasks and follows them. */
class Follower {
  readonly #ws: WebSocket;
  readonly #pushed = new Map<string, number>();
  readonly #ids = new Map<string, number>();
  delays: Delays | undefined;
  ends = 0;
  #refs = 0;
  readonly ready: Promise<void>;

  constructor(port: number) {
    const url = `ws://127.0.0.1:${port}${SESSION_PATH}`;
    this.#ws = new WebSocket(url, [SESSION_PROTOCOL, SESSION_KEY_PROTOCOL + KEY]);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#ws.on("open", () => this.#ws.send('{"type":"open"}'));
    this.#ws.on("error", reject);
    this.#ws.on("close", (code) => reject(new Error(`a session was closed: ${code}`)));
    this.#ws.on("message", (data) => this.#hear(JSON.parse(String(data)), resolve));
  }

  push(): void {
    const ref = String(this.#refs++);
    this.#pushed.set(ref, Date.now());
    const task = { kind: "noop", payload: { text: "x".repeat(100) } };
    this.#ws.send(JSON.stringify({ type: "push", ref, task }));
  }

  close(): void {
    this.#ws.removeAllListeners("close");
    this.#ws.terminate();
  }

  #hear(message: Record<string, unknown>, onSession: () => void): void {
    const now = Date.now();
    if (message.type === "session") onSession();
    if (message.type === "error") throw new Error(JSON.stringify(message));
    if (message.type === "pushed") {
      this.#ids.set(String(message.id), this.#pushed.get(String(message.ref)) ?? now);
      this.#pushed.delete(String(message.ref));
    }
    if (message.state !== "succeeded") return;
    this.ends++;
    this.delays?.event.push(now - Number(message.at));
    this.delays?.whole.push(now - (this.#ids.get(String(message.id)) ?? now));
    this.#ids.delete(String(message.id));
  }
}

/** Pushes in turns at a steady rate, until the time is over and all have ended. */
async function run(followers: readonly Follower[], rate: number, seconds: number): Promise<void> {
  const before = ends(followers);
  const started = performance.now();
  let pushed = 0;
  for (let ms = 0; ms < seconds * 1_000; ms = performance.now() - started) {
    for (const due = Math.floor((rate * ms) / 1_000); pushed < due; pushed++)
      followers[pushed % followers.length]?.push();
    await delay(TICK_MS);
  }
  await waitFor("the last ends", () => ends(followers) - before === pushed);
}

const ends = (followers: readonly Follower[]) => followers.reduce((sum, one) => sum + one.ends, 0);

async function measure(side: TaskfleetSide, api: ChildProcess, redisPid: number, port: number) {
  progress(`${FOLLOWERS} sessions`);
  const opened = performance.now();
  const followers: Follower[] = [];
  for (let n = 0; n < FOLLOWERS; n++) {
    const one = new Follower(port);
    followers.push(one);
    if (n % 50 === 49) await one.ready;
  }
  await Promise.all(followers.map(({ ready }) => ready));
  const figures: Figure[] = [figure(`${FOLLOWERS} sessions opened`, "ms", [performance.now() - opened])];
  for (const rate of RATES) {
    progress(`${rate} tasks/s`);
    await run(followers, rate, WARM_UP_SECONDS);
    const delays: Delays = { event: [], whole: [] };
    for (const one of followers) one.delays = delays;
    const pids = { api: Number(api.pid), redis: redisPid, worker: Number(side.pids[0]) };
    const costs = () => Object.values(pids).map(processorMs);
    const [before, started] = [costs(), performance.now()];
    await run(followers, rate, SECONDS);
    const took = performance.now() - started;
    for (const one of followers) one.delays = undefined;
    const shares = costs().map((ms, i) => (100 * (ms - (before[i] ?? 0))) / took);
    figures.push(
      figure(`end of a task to its event at the client, ${rate} tasks/s`, "ms", delays.event),
      figure(`push to the end's event, ${rate} tasks/s`, "ms", delays.whole),
    );
    Object.keys(pids).forEach((name, i) => {
      figures.push(figure(`${name}, ${rate} tasks/s`, "% of a core", [shares[i] ?? Number.NaN]));
    });
  }
  for (const one of followers) one.close();
  return figures;
}

const server = await benchRedis();
const side = await TaskfleetSide.start(server, 1);
const folder = mkdtempSync(join(tmpdir(), "taskfleet-bench-"));
let api: ChildProcess | undefined;
try {
  const port = await quietPort();
  const { directory } = await buildBundle({ outDir: folder });
  api = spawn(process.execPath, [join(directory, "main.mjs"), "api"], {
    env: {
      ...{ PATH: process.env.PATH, HOME: folder, REDIS_URL: server.url, TASKFLEET_QUEUE_NAME: STREAM },
      TASKFLEET_API_KEY: KEY,
      TASKFLEET_API_PORT: String(port),
      TASKFLEET_API_RATE: "0",
      TASKFLEET_SESSIONS_PER_CLIENT: String(FOLLOWERS),
      LOG_LEVEL: "warning",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
  await waitFor(
    "the API",
    async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok,
  );
  const figures = await measure(side, api, Number(server.process.pid), port);
  const json = process.argv.includes("--json");
  process.stdout.write(`${json ? JSON.stringify({ bench: "sessions", figures }) : markdown(figures)}\n`);
} finally {
  if (api !== undefined && api.exitCode === null) {
    const ended = once(api, "exit");
    api.kill("SIGTERM");
    await ended;
  }
  await side.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
