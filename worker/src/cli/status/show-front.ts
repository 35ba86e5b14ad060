import type { ReportedApi } from "../../adapters/redis/api-reports.ts";
import type { RecordLag } from "../../adapters/redis/record-state.ts";
import { oneLine, paint } from "../output/terminal.ts";
import { count, formatDuration } from "../output/units.ts";

/** Whether runs are recorded, how far behind the record is, and what it will never have. */
export function showRecord({ on, waitingBytes, lagMs, lost, lostAt }: RecordLag, now: number): string {
  const state = on ? paint("green", "on") : "off: no spawner has a database";
  const waits =
    lagMs === 0 ? "nothing waits" : `${formatDuration(lagMs)} behind, ${count(waitingBytes, "byte")} wait`;
  const when = lostAt === null ? "" : `, the last ${formatDuration(now - lostAt)} ago`;
  const lostText = `${count(lost, "change")} lost${when}`;
  const parts = [state, ...(on || lagMs > 0 ? [waits] : []), lost === 0 ? lostText : paint("red", lostText)];
  return `  ${(on || lagMs > 0 || lost > 0 ? parts : [state]).join(", ")}\n`;
}

/** Every API that reports, a line each. */
export function showApis(apis: readonly ReportedApi[], now: number): string {
  if (apis.length === 0) return "  none\n";
  return apis
    .map(({ address, metrics, errors, seen_at }) => {
      const state =
        errors.length === 0
          ? paint("green", "ready")
          : paint("red", `not ready: ${oneLine(errors.join("; "), 120)}`);
      return `  ${address}  ${state}, metrics ${metrics}, seen ${formatDuration(now - seen_at)} ago\n`;
    })
    .join("");
}
