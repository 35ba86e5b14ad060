/** The demo: real work on stack `local`, with workers and the leading spawner killed in the middle. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Client, createClient } from "@taskfleet/worker/client";
import { sandboxHelper } from "../../sandbox-helper.ts";
import { CommandError } from "../command-error.ts";
import { stackEnvironment } from "../environment.ts";
import { killLeader, killWorker, stopWorkerPastLease } from "./chaos.ts";
import { frame, type LiveView } from "./live-view.ts";
import { queueCommand, readStatus, type Status } from "./queue-command.ts";
import { StatusFeed } from "./status-feed.ts";
import {
  type DemoSummary,
  type DemoTask,
  problems,
  type QueueCounts,
  sumEnds,
  summarise,
} from "./summary.ts";
import { flakyTasks, hostileTasks, LONG_STEPS, longTask, type PlannedTask, pushLines } from "./tasks.ts";
import { mapTree, runDirectly, treeFiles } from "./tree-map.ts";

export interface DemoReport {
  readonly summary: DemoSummary;
  /** Empty when everything is as the input demands. */
  readonly problems: readonly string[];
}

interface Progress {
  pushed: number;
  mostWorkers: number;
}

/** So long that, half-way, there is time for a heartbeat to tell and for this demo to see it and to strike. */
const LONG_SECONDS = 20;
/** A task without an end by then is lost, and the demo says so. */
const LONGEST_WAIT_MS = 120_000;

/** Works the fleet of `stack`, which is up, until all is done. */
export async function runDemo(stack: string, view: LiveView): Promise<DemoReport> {
  const progress: Progress = { pushed: 0, mostWorkers: 0 };
  const drained = new AbortController();
  const client = connect(stack);
  const feed = StatusFeed.start(stack);
  try {
    const [report] = await Promise.all([
      work(stack, client, feed, view, progress).finally(() => drained.abort()),
      watch(feed, view, progress, drained.signal),
    ]);
    return report;
  } finally {
    drained.abort();
    feed.stop();
    await client.close();
  }
}

async function work(
  stack: string,
  client: Client,
  feed: StatusFeed,
  view: LiveView,
  progress: Progress,
): Promise<DemoReport> {
  const run = `demo-${randomBytes(3).toString("hex")}`;
  const before = await readStatus(stack);
  const [mapped, others, hostile] = await Promise.all([
    mapWholeTree(stack, view, progress),
    upsetFleet(stack, run, feed, view, progress),
    attackFleet(stack, run, view, progress),
  ]);
  const tasks: DemoTask[] = [...mapped.tasks, ...others, ...hostile];
  const ids = tasks.map(({ id }) => id);
  const outcomes = await client.waitAll(ids, { signal: AbortSignal.timeout(LONGEST_WAIT_MS) });
  const counts = await countsSince(stack, before, progress);
  const ordered = ids.map((id) => outcomes.get(id) ?? ({ state: "open" } as const));
  return {
    summary: summarise(tasks, ordered, counts),
    problems: [...mapped.problems, ...problems(tasks, ordered, counts)],
  };
}

function connect(stack: string): Client {
  const environment = stackEnvironment(stack);
  if (environment?.REDIS_URL === undefined)
    throw new CommandError(`stack ${stack} has no client.env: run taskfleet up`, 1);
  const { REDIS_PASSWORD_FILE: file } = environment;
  const redisPassword = file === undefined ? "" : readFileSync(file, "utf8").trim();
  return createClient({ redisUrl: environment.REDIS_URL, redisPassword });
}

async function watch(feed: StatusFeed, view: LiveView, progress: Progress, end: AbortSignal): Promise<void> {
  for await (const status of feed.statuses(end)) {
    progress.mostWorkers = Math.max(progress.mostWorkers, status.workers.length);
    view.draw(frame(status, progress.pushed));
  }
}

interface MappedTasks {
  readonly tasks: readonly DemoTask[];
  readonly problems: readonly string[];
}

async function mapWholeTree(stack: string, view: LiveView, progress: Progress): Promise<MappedTasks> {
  const files = treeFiles();
  progress.pushed += files.length;
  view.say(`• map: ${files.length} files of this tree hashed and counted by the fleet`);
  const mapped = await mapTree(stack, files);
  const scratch = mkdtempSync(join(tmpdir(), "taskfleet-demo-"));
  try {
    const same = (await runDirectly(files, scratch)).equals(mapped.printed);
    view.say(`• map: byte for byte ${same ? "the same" : "NOT the same"} as the command run directly`);
    const tasks = mapped.ids.map((id) => ({ id, expect: "success" }) as const);
    return { tasks, problems: same ? [] : ["what map printed differs from the command run directly"] };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Programs that nobody vouches for, where the set-up could build the sandbox's helper. */
async function attackFleet(
  stack: string,
  run: string,
  view: LiveView,
  progress: Progress,
): Promise<PlannedTask[]> {
  if (sandboxHelper() === "") {
    view.say(
      "• hostile programs: not run, since the sandbox's helper is not built (taskfleet setup says why)",
    );
    return [];
  }
  const tasks = hostileTasks(run);
  await queueCommand(stack, ["push", "-"], { input: pushLines(tasks) });
  progress.pushed += tasks.length;
  view.say(`• push: ${tasks.length} hostile programs, for the sandbox`);
  return tasks;
}

/** Failing tasks, a worker killed, the leader killed, a worker stopped past its lease. */
async function upsetFleet(
  stack: string,
  run: string,
  feed: StatusFeed,
  view: LiveView,
  progress: Progress,
): Promise<PlannedTask[]> {
  const flaky = flakyTasks(run);
  const first = longTask(run, "killed", LONG_SECONDS);
  const second = longTask(run, "stopped", LONG_SECONDS);
  const push = async (tasks: readonly PlannedTask[]) => {
    await queueCommand(stack, ["push", "-"], { input: pushLines(tasks) });
    progress.pushed += tasks.length;
  };
  await push([...flaky, first]);
  view.say(`• push: ${flaky.length} tasks that fail at first or for ever`);
  const killed = await killWorker(feed);
  view.say(`• SIGKILL: worker ${killed.workerId} in the middle of a task`);
  const { killed: leader, successor } = await killLeader(feed);
  view.say(`• SIGKILL: leading spawner ${leader}; ${successor} leads now`);
  await push([second]);
  const stopped = await stopWorkerPastLease(feed, second.id, (LONG_SECONDS * 1000) / LONG_STEPS);
  view.say(`• SIGSTOP past its lease, then SIGCONT: worker ${stopped.workerId}; its late result was refused`);
  return [...flaky, first, second];
}

async function countsSince(stack: string, before: Status, progress: Progress): Promise<QueueCounts> {
  const after = await readStatus(stack);
  const [then, now] = [sumEnds(before.kinds), sumEnds(after.kinds)];
  return {
    ends: {
      success: now.success - then.success,
      error: now.error - then.error,
      cancelled: now.cancelled - then.cancelled,
      dead: now.dead - then.dead,
    },
    reclaimed: after.counters.reclaimed - before.counters.reclaimed,
    lateRefused: after.counters.late - before.counters.late,
    mostWorkers: progress.mostWorkers,
  };
}
