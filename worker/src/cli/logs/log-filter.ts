import { parseRecord } from "./log-line.ts";

/** Levels of a record, the least first. */
export const LEVELS = ["debug", "info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];

export interface LogFilter {
  readonly kind?: string | undefined;
  /** Id of a task. */
  readonly task?: string | undefined;
  /** The least level. */
  readonly level?: Level | undefined;
}

/** Whether a line is wanted; `undefined` for one that is no record: it goes with the record before it. */
export type Accepts = (text: string) => boolean | undefined;

/** A filter by a record's own fields; `undefined` when everything is wanted. */
export function logFilter({ kind, task, level }: LogFilter): Accepts | undefined {
  if (kind === undefined && task === undefined && level === undefined) return undefined;
  const least = level === undefined ? -1 : LEVELS.indexOf(level);
  return (text) => {
    const record = parseRecord(text);
    if (record === undefined) return undefined;
    return (
      (kind === undefined || record.kind === kind) &&
      (task === undefined || record.task_id === task) &&
      LEVELS.indexOf(record.level as Level) >= least
    );
  };
}
