/** What the demo does to its own fleet: a worker killed, another stopped past its lease, the leader killed. */
import { setTimeout as delay } from "node:timers/promises";
import { EXIT } from "../../../worker/contract/exit-codes.ts";
import { CommandError } from "../command-error.ts";
import { readStatus, type Status } from "./queue-command.ts";

const EVERY_MS = 200;
const GIVE_UP_MS = 60_000;

/** Asks for the status until `find` finds something in it. */
async function until<T>(stack: string, what: string, find: (status: Status) => T | undefined): Promise<T> {
  const deadline = Date.now() + GIVE_UP_MS;
  while (Date.now() < deadline) {
    const found = find(await readStatus(stack));
    if (found !== undefined) return found;
    await delay(EVERY_MS);
  }
  throw new CommandError(`waited ${GIVE_UP_MS / 1000} s in vain for: ${what}`, EXIT.failed);
}

/** A worker that is in the middle of a task of this kind, `except` aside. */
function runner(kind: string, except: readonly string[] = []) {
  return (status: Status) =>
    status.workers.find((worker) => (worker.running[kind] ?? 0) > 0 && !except.includes(worker.worker_id));
}

export interface Struck {
  readonly workerId: string;
  readonly pid: number;
}

/** SIGKILL in the middle of a task. */
export async function killWorker(stack: string): Promise<Struck> {
  const worker = await until(stack, "a worker with a long task", runner("sleep"));
  process.kill(worker.pid, "SIGKILL");
  return { workerId: worker.worker_id, pid: worker.pid };
}

/** SIGSTOP until its tasks were taken back, then SIGCONT; resolves when its late result was refused. */
export async function stopWorkerPastLease(stack: string, killed: Struck): Promise<Struck> {
  const worker = await until(stack, "a second worker with a long task", runner("sleep", [killed.workerId]));
  const before = await readStatus(stack);
  const resume = () => process.kill(worker.pid, "SIGCONT");
  // A Ctrl-C in between must not leave it stopped.
  const interrupt = () => process.exit(EXIT.interrupted);
  process.once("exit", resume).once("SIGINT", interrupt);
  process.kill(worker.pid, "SIGSTOP");
  try {
    await until(stack, "the stopped worker's tasks to be taken back", (status) =>
      status.workers.every(({ worker_id, holding }) => worker_id !== worker.worker_id || holding === 0)
        ? true
        : undefined,
    );
  } finally {
    process.off("exit", resume).off("SIGINT", interrupt);
    resume();
  }
  await until(stack, "the stopped worker's late result to be refused", (status) =>
    status.counters.late > before.counters.late ? true : undefined,
  );
  return { workerId: worker.worker_id, pid: worker.pid };
}

/** SIGKILL of the spawner that leads; resolves with its successor's name. */
export async function killLeader(
  stack: string,
): Promise<{ readonly killed: string; readonly successor: string }> {
  const killed = await until(stack, "a leading spawner", ({ leader }) => leader ?? undefined);
  process.kill(pidOfLeader(killed), "SIGKILL");
  const successor = await until(stack, "another spawner to lead", ({ leader }) =>
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
