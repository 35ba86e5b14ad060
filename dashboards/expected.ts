/** What is normal, in the unit of the panel that draws it as a green band. Limits of alerts lie beyond. */

export interface ExpectedRange {
  readonly from: number;
  readonly to: number;
}

const MEGABYTE = 1_000_000;
const HOUR = 3_600;

export const EXPECTED = {
  /** Tasks of a kind that wait. */
  pending: { from: 0, to: 20 },
  /** Seconds that a task waits. */
  wait: { from: 0, to: 60 },
  /** Exits with an error in ten minutes: about none. */
  errorExits: { from: 0, to: 1 },
  /** Share of a handler's attempts that fail. */
  handlerFailures: { from: 0, to: 0.01 },
  taskErrors: { from: 0, to: 0.01 },
  workerErrors: { from: 0, to: 1 },
  deadLetters: { from: 0, to: 1 },
  /** Bytes of one key. */
  keyMemory: { from: 0, to: 200 * MEGABYTE },
  redisMemory: { from: 0, to: 0.6 },
  /** Seconds. */
  recordLag: { from: 0, to: 30 },
  backupAge: { from: 0, to: 26 * HOUR },
  leaders: { from: 1, to: 2 },
} as const satisfies Record<string, ExpectedRange>;
