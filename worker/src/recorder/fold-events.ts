import type { RunChange, RunEvent } from "../../contract/run-events.ts";
import type { Run } from "../../contract/runs.ts";
import { fold } from "../core/run-state.ts";
import { isTaskId } from "../core/task-id.ts";
import type { RunChanges } from "../ports/activity-store.ts";

/** Ids of the tasks that events change, each once. Ids that no push could have given are left out. */
export function idsOf(events: readonly RunEvent[]): string[] {
  const ids = events.flatMap(({ changes }) => changes.map(({ id }) => id));
  return [...new Set(ids.filter(isTaskId))];
}

/** What the record is to hold after these events, in their order: each run once, and every line of its log. */
export function foldEvents(
  queue: string,
  events: readonly RunEvent[],
  runs: ReadonlyMap<string, Run>,
): RunChanges {
  const changed = new Map<string, Run>();
  const lines: RunChanges["lines"][number][] = [];
  for (const { at, changes } of events) {
    for (const change of changes) {
      if (!isTaskId(change.id)) continue;
      const folded = fold(queue, changed.get(change.id) ?? runs.get(change.id), clean(change), at);
      if (folded === undefined) continue;
      changed.set(change.id, folded.run);
      if (folded.line !== undefined) lines.push({ ...folded.line, id: change.id });
    }
  }
  return { runs: [...changed.values()], lines };
}

/** PostgreSQL takes no NUL in a text. */
function clean(change: RunChange): RunChange {
  const entries = Object.entries(change).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "") : value,
  ]);
  return Object.fromEntries(entries) as RunChange;
}
