/** What the demo does to its own fleet: a worker killed, another stopped past its lease, the leader killed. */
import { setTimeout as delay } from "node:timers/promises";
import { EXIT } from "../../../worker/contract/exit-codes.ts";
import { CommandError } from "../command-error.ts";
import type { Status } from "./queue-command.ts";
import type { StatusFeed } from "./status-feed.ts";

/** The worker that is in the middle of this task: what it holds may wait yet, what reports progress runs. */
function runner(taskId: string) {
  return (status: Status) => status.workers.find(({ progress }) => progress?.[taskId] !== undefined);
}

export interface Struck {
  readonly workerId: string;
  readonly pid: number;
}

/** SIGKILL of a worker that holds a long task. */
export async function killWorker(feed: StatusFeed): Promise<Struck> {
  // Whether its task runs or waits there for a slot, it must be taken back.
  const worker = await feed.until("a worker with a long task", (status) =>
    status.workers.find(({ running }) => (running.sleep ?? 0) > 0),
  );
  process.kill(worker.pid, "SIGKILL");
  return { workerId: worker.worker_id, pid: worker.pid };
}

/**
 * SIGSTOP until its tasks were taken back and this one would have ended, at most `leftMs` after it told of its progress;
 * then SIGCONT, before the spawner gives the worker up. Resolves when its late result was refused.
 */
export async function stopWorkerPastLease(feed: StatusFeed, taskId: string, leftMs: number): Promise<Struck> {
  const { worker, late } = await feed.until("a second worker in the middle of a long task", (status) => {
    const worker = runner(taskId)(status);
    return worker === undefined ? undefined : { worker, late: status.counters.late };
  });
  const resume = () => {
    try {
      process.kill(worker.pid, "SIGCONT");
    } catch (error) {
      // Its supervisor may have given it up.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  // A Ctrl-C in between must not leave it stopped.
  const interrupt = () => process.exit(EXIT.interrupted);
  process.once("exit", resume).once("SIGINT", interrupt);
  process.kill(worker.pid, "SIGSTOP");
  const ended = delay(leftMs);
  try {
    await feed.until("the stopped worker's tasks to be taken back", (status) =>
      status.workers.every(({ worker_id, holding }) => worker_id !== worker.worker_id || holding === 0)
        ? true
        : undefined,
    );
    await ended;
  } finally {
    process.off("exit", resume).off("SIGINT", interrupt);
    resume();
  }
  await feed.until("the stopped worker's late result to be refused", (status) =>
    status.counters.late > late ? true : undefined,
  );
  return { workerId: worker.worker_id, pid: worker.pid };
}

/** SIGKILL of the spawner that leads; resolves with its successor's name. */
export async function killLeader(
  feed: StatusFeed,
): Promise<{ readonly killed: string; readonly successor: string }> {
  const killed = await feed.until("a leading spawner", ({ leader }) => leader ?? undefined);
  process.kill(pidOfLeader(killed), "SIGKILL");
  const successor = await feed.until("another spawner to lead", ({ leader }) =>
    leader !== null && leader !== killed ? leader : undefined,
  );
  return { killed, successor };
}

/** A spawner calls itself `<host>-<pid>-<random>`. */
export function pidOfLeader(leader: string): number {
  const pid = Number(/-(\d+)-[^-]+$/.exec(leader)?.[1]);
  if (!Number.isInteger(pid) || pid <= 1)
    throw new CommandError(`the leader's name ${leader} holds no pid`, EXIT.failed);
  return pid;
}
