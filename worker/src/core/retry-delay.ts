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
