import { readdir, readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  isRunFileName,
  type ProcessIdentity,
  parseRunFile,
  supervisorOf,
  workerOf,
} from "../../worker/contract/run-file.ts";
import { explained, HostError, unlessMissing } from "./errors.ts";
import { makeDirectory, removeFile } from "./host-files.ts";
import { isAlive, signalProcess } from "./process-identity.ts";
import type { ResourceType } from "./resource-type.ts";

/** The workers that spawners started and that outlive them. Deleting this resource stops them all. */
export interface WorkersInputs {
  /** Absolute; the run directory, one file per worker. */
  readonly directory: string;
  /** How long workers may take to finish their tasks before SIGKILL. */
  readonly stopTimeoutSeconds: number;
}
export type WorkersState = Readonly<Record<string, never>>;

export interface StopOptions {
  /** A line for the person who waits. */
  readonly report: (line: string) => void;
  readonly reportEveryMs: number;
}

const LOOK_AGAIN_MS = 100;
const CLEAN_UP_TIMEOUT_MS = 2_000;
const KILL_TIMEOUT_MS = 10_000;

interface LiveWorker {
  readonly file: string;
  /** The supervisor first: it forwards the signal and records the exit. */
  readonly processes: readonly [ProcessIdentity, ...ProcessIdentity[]];
}

async function listRunFiles(directory: string): Promise<readonly string[]> {
  // No directory: no spawner ever started a worker.
  const names = await explained(`read ${directory}`, () => unlessMissing(readdir(directory), []));
  return names.filter(isRunFileName).map((name) => join(directory, name));
}

async function liveWorker(file: string): Promise<LiveWorker | null> {
  // No file: its worker ended after the folder was listed.
  const text = await explained(`read ${file}`, () => unlessMissing(readFile(file, "utf8"), ""));
  const run = parseRunFile(text);
  if (run === null) return null;
  const worker = workerOf(run);
  const [first, ...others] = [supervisorOf(run), ...(worker === null ? [] : [worker])].filter(isAlive);
  return first === undefined ? null : { file, processes: [first, ...others] };
}

async function liveWorkers(directory: string): Promise<readonly LiveWorker[]> {
  const found = await Promise.all((await listRunFiles(directory)).map(liveWorker));
  return found.filter((worker) => worker !== null);
}

const count = (workers: readonly unknown[]) =>
  workers.length === 1 ? "1 worker" : `${workers.length} workers`;

/** Signals each worker once, those that turn up late too, and waits for them. Returns who is left. */
async function drain(
  { directory, stopTimeoutSeconds }: WorkersInputs,
  { report, reportEveryMs }: StopOptions,
): Promise<readonly LiveWorker[]> {
  const begin = performance.now();
  const signalled = new Set<string>();
  let nextReport = begin + reportEveryMs;
  for (;;) {
    const workers = await liveWorkers(directory);
    const now = performance.now();
    if (workers.length === 0 || now - begin >= stopTimeoutSeconds * 1000) return workers;
    for (const { file, processes } of workers.filter((worker) => !signalled.has(worker.file))) {
      signalProcess(processes[0], "SIGTERM");
      for (const each of processes) signalProcess(each, "SIGCONT");
      signalled.add(file);
    }
    if (now >= nextReport) {
      const seconds = Math.round((now - begin) / 1000);
      report(`waiting for ${count(workers)} to finish running tasks (${seconds} of ${stopTimeoutSeconds} s)`);
      nextReport = now + reportEveryMs;
    }
    await delay(LOOK_AGAIN_MS);
  }
}

/** Waits until no worker is left. Returns whether that was so in time. */
async function allGone(directory: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while ((await liveWorkers(directory)).length > 0) {
    if (performance.now() > deadline) return false;
    await delay(LOOK_AGAIN_MS);
  }
  return true;
}

/** The workers first: a supervisor ends and removes what its worker leaves behind, and then itself. */
async function kill(directory: string, workers: readonly LiveWorker[]): Promise<void> {
  for (const { processes } of workers) signalProcess(processes.at(-1) ?? processes[0], "SIGKILL");
  if (await allGone(directory, CLEAN_UP_TIMEOUT_MS)) return;
  for (const each of workers.flatMap(({ processes }) => processes)) signalProcess(each, "SIGKILL");
  if (await allGone(directory, KILL_TIMEOUT_MS)) return;
  throw new HostError(`workers of ${directory} survived SIGKILL: they hang in the kernel`);
}

/** Stops every worker of a run directory: SIGTERM, the time to finish, then SIGKILL. */
export async function stopWorkers(inputs: WorkersInputs, options: StopOptions): Promise<void> {
  const left = await drain(inputs, options);
  if (left.length > 0) {
    options.report(`${count(left)} did not finish within ${inputs.stopTimeoutSeconds} s: killed`);
    await kill(inputs.directory, left);
  }
  for (const file of await listRunFiles(inputs.directory)) await removeFile(file);
}

/** Standard error reaches the person, through the engine too. */
export const toStandardError: StopOptions = { report: (line) => console.error(line), reportEveryMs: 5000 };

/** `taskfleet:host:Workers`: nothing to create but a folder; its deletion drains the fleet. */
export const localWorkers: ResourceType<WorkersInputs, WorkersState> = {
  secretOutputs: [],
  noSecretsIn: ["directory"],
  check: ({ directory, stopTimeoutSeconds }) => [
    ...(isAbsolute(directory)
      ? []
      : [{ property: "directory", reason: `got ${directory}; allowed: an absolute path` }]),
    ...(stopTimeoutSeconds >= 0
      ? []
      : [
          { property: "stopTimeoutSeconds", reason: `got ${stopTimeoutSeconds}; allowed: 0 or more seconds` },
        ]),
  ],
  diff: (olds, news) => ({
    changes: olds.directory !== news.directory || olds.stopTimeoutSeconds !== news.stopTimeoutSeconds,
    replaces: olds.directory === news.directory ? [] : ["directory"],
  }),
  create: async ({ directory }) => {
    await makeDirectory(directory);
    return { id: directory, state: {} };
  },
  read: async () => ({}),
  update: async () => ({}),
  delete: (state) => stopWorkers(state, toStandardError),
};
