/** The parts of `/proc/<pid>/stat` that tell one process from another. */

export interface ProcessStat {
  readonly pid: number;
  /** `R`, `S`, `T`, `Z` … */
  readonly state: string;
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
  const start = Number(fields[19]);
  if (close < 0 || state === undefined || !Number.isInteger(pid) || !Number.isInteger(start)) return null;
  return { pid, state, start };
}

/** A zombie still has its line, but nothing of it runs. */
export function isRunning(stat: ProcessStat): boolean {
  return stat.state !== "Z" && stat.state !== "X" && stat.state !== "x";
}
