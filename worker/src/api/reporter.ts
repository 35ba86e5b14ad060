import { setTimeout as delay } from "node:timers/promises";
import type { ApiReport } from "../../contract/records.ts";

const EVERY_MS = 5_000;

export interface Reporting {
  readonly self: Omit<ApiReport, "errors">;
  readonly readiness: () => Promise<readonly string[]>;
  /** Rejects while Redis is away. */
  readonly report: (report: ApiReport) => Promise<void>;
}

/** Reports every few seconds until the signal. What fails is left to `/health/ready`, and tried again. */
export async function keepReporting(o: Reporting, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const errors = await o.readiness();
    await o.report({ ...o.self, errors }).catch(() => {});
    await delay(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
