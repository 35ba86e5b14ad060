/** Why a worker's container ended. Pure. */
import type { ExitReason } from "../../contract/records.ts";
import type { DrainReason } from "../ports/actuator.ts";

export interface ContainerEnd {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why it had been asked to end; `null`: nobody had. */
  readonly asked: DrainReason | null;
}

/** As shells and engines count: 128 and the signal's number. */
const SIGNAL_EXITS = { interrupted: 130, killed: 137, terminated: 143 } as const;

/**
 * `idle`: asked to end, for want of work; `signal`: asked to end, or ended by such a signal; `timeout`: asked to end,
 * and killed when it had not by the end of its time; `success`: it ended by itself, as at its maximum uptime; `error`:
 * everything else, out of memory and killed out of the blue among it.
 */
export function exitReasonOf({ exitCode, oomKilled, asked }: ContainerEnd): ExitReason {
  if (oomKilled && exitCode !== 0) return "error";
  if (exitCode === 0) return asked ?? "success";
  if (exitCode === SIGNAL_EXITS.killed) return asked === null ? "error" : "timeout";
  if (exitCode === SIGNAL_EXITS.terminated || exitCode === SIGNAL_EXITS.interrupted) return "signal";
  return "error";
}
