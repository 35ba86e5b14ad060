/** How retries are spaced. */
export interface RetrySpacing {
  /** Delay of the first retry. */
  readonly baseMs: number;
  /** Upper bound before jitter. */
  readonly maxMs: number;
  /** Share by which the delay is spread either way, 0 to 1. */
  readonly jitter: number;
}

/** Beyond them every cap is reached; without a bound 0 * 2 ** 1024 would be no number. */
const MOST_DOUBLINGS = 52;

/**
 * How long to wait before the next run, in whole ms: `base * 2^(attempt - 1)`, capped, then spread evenly by
 * the jitter. `attempt` is the number of failed attempts, from 1; `random` returns 0 up to 1.
 */
export function retryDelay(attempt: number, spacing: RetrySpacing, random: () => number): number {
  const plain = Math.min(spacing.baseMs * 2 ** Math.min(attempt - 1, MOST_DOUBLINGS), spacing.maxMs);
  return Math.round(plain * (1 + spacing.jitter * (2 * random() - 1)));
}

/** Nobody is asked to wait longer than a day. */
const LONGEST_ASKED_MS = 86_400_000;

/**
 * A retry's delay where a service asked for at least `askedMs`; anything but a positive number asks for nothing.
 * That is spread upwards only: all that were told the same time should not come back at once.
 */
export function atLeast(
  delayMs: number,
  askedMs: unknown,
  { jitter }: Pick<RetrySpacing, "jitter">,
  random: () => number,
): number {
  if (typeof askedMs !== "number" || !(askedMs > 0)) return delayMs;
  return Math.max(delayMs, Math.round(Math.min(askedMs, LONGEST_ASKED_MS) * (1 + jitter * random())));
}
