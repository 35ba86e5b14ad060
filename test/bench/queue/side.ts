/** What the benchmark measures of a queue, ours or another's. */
export interface Side {
  /** Pushes so many tasks with a payload of `bytes`, `CALL` a call. */
  enqueue(count: number, bytes: number): Promise<void>;
  /** Holds the workers back, lets them go, tells how many tasks have not ended. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  left(): Promise<number>;
  close(): Promise<void>;
}

/** Tasks in one call of `enqueue`, and calls under way at once: the same for both sides. */
export const CALL = 1_000;
export const CALLS_AT_ONCE = 8;
/** Slots of one worker process, the same for both sides. */
export const CONCURRENCY = 100;

/** Calls `push` with the sizes that add up to `count`, some at once. */
export async function inCalls(count: number, push: (size: number) => Promise<unknown>): Promise<void> {
  let rest = count;
  const pusher = async () => {
    while (rest > 0) {
      const size = Math.min(CALL, rest);
      rest -= size;
      await push(size);
    }
  };
  await Promise.all(Array.from({ length: CALLS_AT_ONCE }, pusher));
}

const POLL_MS = 5;

/** Tasks a second from `resume` until none is left. */
export async function processingRate(side: Side, count: number, bytes: number): Promise<number> {
  await side.pause();
  await side.enqueue(count, bytes);
  const started = performance.now();
  await side.resume();
  while ((await side.left()) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  return count / ((performance.now() - started) / 1000);
}

/** Tasks a second that `enqueue` takes; workers are held back. */
export async function enqueueRate(side: Side, count: number, bytes: number): Promise<number> {
  await side.pause();
  const started = performance.now();
  await side.enqueue(count, bytes);
  return count / ((performance.now() - started) / 1000);
}

/** Lets the workers end what is queued. */
export async function drain(side: Side): Promise<void> {
  await side.resume();
  while ((await side.left()) > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
