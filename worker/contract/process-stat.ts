/** The parts of `/proc/<pid>/stat` that tell one process from another. */

export interface ProcessStat {
  readonly pid: number;
  /** `R`, `S`, `T`, `Z` … */
  readonly state: string;
  /** Field 20. */
  readonly threads: number;
  /** Field 22: clock ticks between boot and the process's start. */
  readonly start: number;
}

/** Reads one line of `/proc/<pid>/stat`; `null` when it is not one. */
export function parseProcessStat(line: string): ProcessStat | null {
  // The name (field 2) may hold spaces and brackets, so the fields are counted from its last bracket.
  const close = line.lastIndexOf(")");
  const pid = Number.parseInt(line, 10);
  const fields = line.slice(close + 2).split(" ");
  const state = fields[0];
  const threads = Number(fields[17]);
  const start = Number(fields[19]);
  const whole = Number.isInteger(pid) && Number.isInteger(threads) && Number.isInteger(start);
  if (close < 0 || state === undefined || !whole) return null;
  return { pid, state, threads, start };
}

/**
 * A zombie still has its line, but nothing of it runs; while other threads of it are still ending, though, its
 * sockets and files are open.
 */
export function isRunning({ state, threads }: ProcessStat): boolean {
  if (state === "Z") return threads > 1;
  return state !== "X" && state !== "x";
}
