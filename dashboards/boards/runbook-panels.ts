/** The pages about alerts as panels of one board, so that a link to them needs nothing but Grafana. */
import type { AlertName } from "../alert-limits.ts";

export const RUNBOOKS_UID = "taskfleet-runbooks";

/** Id of each page's panel; a new alert gets the next number. */
export const RUNBOOK_PANELS: Readonly<Record<AlertName, number>> = {
  QueuePendingHigh: 1,
  RunsQueuedHigh: 2,
  QueueDepthHigh: 3,
  HandlerFailuresHigh: 4,
  TaskErrorRateHigh: 5,
  TaskDurationHigh: 6,
  RunDurationP99High: 7,
  WorkerExitsWithError: 8,
  WorkerErrorsHigh: 9,
  WorkersTooFew: 10,
  RedisKeyMemoryHigh: 11,
  RedisMemoryHigh: 12,
  RecordGap: 13,
  RecordLagHigh: 14,
  BackupTooOld: 15,
  NoLeader: 16,
  QueuePaused: 17,
  ScrapeTargetDown: 18,
};

export const runbookPanelUrl = (id: number): string => `/d/${RUNBOOKS_UID}/runbooks?viewPanel=${id}`;
