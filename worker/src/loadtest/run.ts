import type { TaskOutcome } from "../adapters/redis/results.ts";
import type { NewTask } from "../core/task.ts";
import type { Sample, TaskEnd } from "./report.ts";
import type { Schedule } from "./schedule.ts";

/** A push was one call too many for the API's limit. */
export class OverRateError extends Error {
  override readonly name = "OverRateError";
}

/** How a load test reaches the fleet. */
export interface Target {
  /** Pushes tasks; rejects when the queue takes none of them. */
  push(tasks: readonly NewTask[]): Promise<unknown>;
  /** Calls `ended` for each task as it ends, until all have or `signal` aborts. */
  watch(
    ids: readonly string[],
    ended: (id: string, end: TaskEnd) => void,
    signal: AbortSignal,
  ): Promise<unknown>;
}

export interface Clock {
  /** Monotonic, in ms. */
  now(): number;
  /** Resolves after so many ms, or at once when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface LoadOptions {
  readonly target: Target;
  readonly schedule: Schedule;
  /** The task of this index, with its id. */
  readonly task: (index: number) => NewTask & { readonly id: string };
  readonly clock: Clock;
  /** How long to wait for ends after the last task was sent, in ms. */
  readonly patienceMs: number;
  /** Ends the test early: what was not sent by then is left out. */
  readonly signal: AbortSignal;
  readonly onProgress: (ended: number) => void;
}

/** Between two looks at what is due. */
const TICK_MS = 2;

/** What is known of a task on its way. */
type Track = { -readonly [Name in keyof Sample]: Sample[Name] };

/** Sends every task when it is due, without waiting for any, and gives one sample for each that was sent. */
export async function runLoad(options: LoadOptions): Promise<Sample[]> {
  const { target, schedule, clock, signal } = options;
  const tasks = Array.from({ length: schedule.total }, (_, index) => options.task(index));
  const tracks = new Map<string, Track>();
  const stop = new AbortController();
  const quit = () => stop.abort();
  signal.addEventListener("abort", quit, { once: true });
  const start = clock.now();
  let ended = 0;
  const end = (id: string, how: TaskEnd) => {
    const track = tracks.get(id);
    if (track === undefined || track.end !== "unfinished") return;
    track.end = how;
    track.endedMs = clock.now() - start;
    options.onProgress(++ended);
  };
  const ids = tasks.map(({ id }) => id);
  const watching = target.watch(ids, end, stop.signal);
  // Its error is thrown below; whoever cannot see results need not go on pushing.
  watching.catch(quit);
  try {
    const sends = await sendAll({ ...options, signal: stop.signal }, { tasks, tracks, start, end });
    await Promise.all(sends);
    const patience = clock.sleep(options.patienceMs, stop.signal);
    if (!stop.signal.aborted && ended < tracks.size) await Promise.race([watching, patience]);
  } finally {
    stop.abort();
    signal.removeEventListener("abort", quit);
  }
  await watching;
  const gaveUp = clock.now() - start;
  for (const track of tracks.values()) if (track.end === "unfinished") track.endedMs = gaveUp;
  return [...tracks.values()];
}

interface Sending {
  readonly tasks: readonly (NewTask & { readonly id: string })[];
  readonly tracks: Map<string, Track>;
  readonly start: number;
  readonly end: (id: string, how: TaskEnd) => void;
}

/** Resolves once all are sent; the pushes themselves may still be under way. */
async function sendAll(
  { target, schedule, clock, signal }: LoadOptions,
  { tasks, tracks, start, end }: Sending,
): Promise<Promise<void>[]> {
  const sends: Promise<void>[] = [];
  let sent = 0;
  while (sent < schedule.total && !signal.aborted) {
    const elapsed = clock.now() - start;
    const due = tasks.slice(sent, schedule.dueBy(elapsed));
    due.forEach(({ id }, i) => {
      tracks.set(id, { dueMs: schedule.dueMs(sent + i), sentMs: elapsed, endedMs: 0, end: "unfinished" });
    });
    sent += due.length;
    if (due.length > 0) {
      // A refused push is a figure of the report, not the test's end.
      const refused = (error: unknown) => {
        for (const { id } of due) end(id, error instanceof OverRateError ? "limited" : "refused");
      };
      sends.push(target.push(due).then(() => {}, refused));
    }
    if (sent < schedule.total) await clock.sleep(TICK_MS, signal);
  }
  return sends;
}

/** How an outcome counts; `undefined` while it is open. */
export function endOf(outcome: TaskOutcome): TaskEnd | undefined {
  if (outcome.state === "settled") return outcome.result.status;
  return outcome.state === "dead" ? "dead" : undefined;
}
