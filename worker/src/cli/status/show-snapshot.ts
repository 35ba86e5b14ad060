import { describeControls } from "../../../contract/controls.ts";
import { pairs, table } from "../output/table.ts";
import { oneLine, paint } from "../output/terminal.ts";
import { count, formatDuration } from "../output/units.ts";
import { showApis, showRecord } from "./show-front.ts";
import { showWorkers } from "./show-workers.ts";
import type { Snapshot } from "./snapshot.ts";

/** The whole status for people. */
export function showSnapshot(snapshot: Snapshot): string {
  return [
    showQueue(snapshot.stream, snapshot.queue),
    `\n${paint("bold", "Kinds")}\n${showKinds(snapshot)}`,
    `\n${paint("bold", "Workers")}\n${showWorkers(snapshot.workers, snapshot.at)}${showControls(snapshot)}`,
    `\n${paint("bold", "Spawner")}\n${showSpawner(snapshot)}`,
    `\n${paint("bold", "Record")}\n${showRecord(snapshot.record, snapshot.at)}`,
    `\n${paint("bold", "API")}\n${showApis(snapshot.apis, snapshot.at)}`,
  ].join("");
}

/** The queue's own figures. */
export function showQueue(stream: string, queue: Snapshot["queue"]): string {
  const state = queue.paused ? paint("yellow", "paused") : paint("green", "open");
  return `${paint("bold", "Queue")} ${stream}\n${pairs(
    [
      ["state", state],
      ["waiting", showWaiting(queue)],
      ...(queue.parked > 0 ? [["parked", showParked(queue)] as const] : []),
      ["running", String(queue.running)],
      ["delayed", `${queue.delayed}${queue.due > 0 ? `, ${queue.due} of them due` : ""}`],
      ["dead letters", queue.deadLetters === 0 ? "0" : paint("red", String(queue.deadLetters))],
      ["longest idle", queue.oldestIdleMs === null ? "-" : formatDuration(queue.oldestIdleMs)],
    ],
    "  ",
  )}`;
}

function showParked({ parked, parkedBy }: Snapshot["queue"]): string {
  const kinds = Object.entries(parkedBy).map(([kind, amount]) => `${kind} ${amount}`);
  return `${parked}, by their kind's limits: ${kinds.join(", ")}`;
}

function showWaiting({ waiting, waitingBy: { high, low } }: Snapshot["queue"]): string {
  const special = [...(high > 0 ? [`${high} high`] : []), ...(low > 0 ? [`${low} low`] : [])];
  return special.length === 0 ? String(waiting) : `${waiting}, ${special.join(" and ")}`;
}

/** What is lost is spelled out, a line each. */
function showControls({ controls, sandbox }: Snapshot): string {
  const rows: [string, string][] = [];
  if (controls !== null) {
    const { enforced, lost } = controls;
    rows.push(["controls", describeControls({ enforced, lost: [] })]);
    for (const { text, reason, wayOut } of lost)
      rows.push(["lost", `${text}: ${oneLine(reason, 120)}; ${wayOut}`]);
  }
  if (sandbox !== null) rows.push(["sandbox", oneLine(sandbox, 200)]);
  return rows.length === 0 ? "" : pairs(rows, "  ");
}

function showKinds({ kinds }: Snapshot): string {
  if (kinds.length === 0) return "  none yet: the fleet publishes them when it starts\n";
  const rows = kinds.map(({ kind, ...counts }) => [
    kind,
    ...[counts.live, counts.enqueued, counts.success, counts.error, counts.cancelled, counts.dead].map(
      String,
    ),
    String(counts.retry),
  ]);
  const head = ["kind", "live", "pushed", "success", "error", "cancelled", "dead", "retries"];
  return table(head, rows, { right: [1, 2, 3, 4, 5, 6, 7], indent: "  " });
}

function showOrder({ order, at }: Snapshot): [string, string][] {
  if (order.mode === "law") return [];
  const what = order.mode === "paused" ? "nobody starts or stops workers" : count(order.workers, "worker");
  const since = `since ${formatDuration(at - order.atMs)}`;
  return [["order", `${paint("yellow", what)} ${since}, until \`scale resume\``]];
}

function showSpawner(snapshot: Snapshot): string {
  const { leader, scaling, at } = snapshot;
  const head: [string, string][] = [["leader", leader ?? paint("yellow", "none")], ...showOrder(snapshot)];
  if (scaling === null) return pairs(head, "  ");
  const { desired, reason, liveWorkers, busyWorkers, pending, idleSinceMs } = scaling;
  const idle = idleSinceMs === null ? "" : `, idle for ${formatDuration(at - idleSinceMs)}`;
  head.push(
    ["wants", `${count(desired, "worker")} (${reason})`],
    ["saw", `${liveWorkers} live, ${busyWorkers} busy, ${count(pending, "task")} pending${idle}`],
    ["decided", `${formatDuration(at - scaling.decidedAtMs)} ago`],
    ["metrics", scaling.address === "" ? "off" : scaling.address],
  );
  return pairs(head, "  ");
}
