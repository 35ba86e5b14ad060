import type { ReportedWorker } from "../../adapters/redis/workers.ts";
import { table } from "../output/table.ts";
import { oneLine, paint } from "../output/terminal.ts";
import { formatDuration } from "../output/units.ts";

const STYLES = { busy: "green", idle: "dim", draining: "yellow" } as const;

/** The workers' table: `seen` is how long ago a worker reported, `holds` what its consumer has not settled. */
export function showWorkers(workers: readonly ReportedWorker[], now: number): string {
  if (workers.length === 0) return "  none\n";
  const rows = workers.map((worker) => [
    worker.worker_id,
    paint(STYLES[worker.state], worker.state),
    String(worker.slots),
    String(worker.holding),
    Object.entries(worker.running)
      .map(([kind, amount]) => `${kind} ${amount}`)
      .join(", "),
    progressOf(worker),
    formatDuration(now - worker.started_at),
    formatDuration(now - worker.seen_at),
    `${worker.host} ${worker.pid}`,
  ]);
  const head = ["worker", "state", "slots", "holds", "running", "progress", "age", "seen", "host pid"];
  return table(head, rows, { right: [2, 3, 6, 7], indent: "  " });
}

/** Progress of the tasks that report any: `35 %, 80 %`. */
function progressOf(worker: ReportedWorker): string {
  return Object.values(worker.progress ?? {})
    .map(({ done, note }) => `${Math.floor(done * 100)} %${note === "" ? "" : ` ${oneLine(note, 30)}`}`)
    .join(", ");
}
