import { setTimeout as delay } from "node:timers/promises";
import { EXIT } from "../../../contract/exit-codes.ts";
import type { ActivityStore } from "../../ports/activity-store.ts";
import { openReset } from "../../recorder/open-reset.ts";
import type { ResetRun } from "../../recorder/reset.ts";
import { agreed, mustAsk } from "../input/confirm.ts";
import { table } from "../output/table.ts";
import { count, formatDuration } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import { type Session, withSession } from "../session.ts";
import type { ResetRunsOptions } from "./define.ts";
import { withRecord } from "./with-record.ts";

/** `runs reset`. */
export function resetCommand(options: ResetRunsOptions): Promise<number> {
  const asks = mustAsk(options, "whether these runs are to be reset");
  return withSession(options, (session) =>
    withRecord(session.settings, async (store) => {
      if (options.dryRun === true || asks) {
        const runs = await reset(session, store, options, true);
        show(runs, options, true);
        if (!asks || runs.every(({ found }) => found === "alive")) return EXIT.ok;
        if (!(await agreed("Reset them?"))) return EXIT.failed;
      }
      show(await reset(session, store, options, false), options, false);
      return EXIT.ok;
    }),
  );
}

async function reset(
  { redis, stream }: Session,
  store: ActivityStore,
  { olderThan }: ResetRunsOptions,
  dryRun: boolean,
): Promise<readonly ResetRun[]> {
  const run = await openReset(redis, stream, store);
  if (run === undefined)
    throw new CliError(
      `no spawner has led ${stream} yet, so nobody knows how long its workers may be silent`,
      EXIT.failed,
      "Start a spawner: it takes lost tasks back by itself.",
    );
  return run({ olderThanMs: olderThan, dryRun, now: Date.now(), sleep: delay });
}

const ACTIONS = {
  alive: "left alone: its worker is alive",
  lost: "to be taken back from its silent worker",
  waiting: "waits in the queue; the record to be mended",
  ended: "has ended; the record to be mended",
  gone: "no task stands behind it; to be cancelled in the record",
} as const;

const DONE = {
  unread: "left alone: the record has events to read yet (a spawner reads them)",
  repaired: "the record is mended",
  requeued: "taken back from its silent worker; waits again",
  "dead-lettered": "taken back too often: a dead letter now",
  cancelled: "taken back and cancelled, as was asked before",
} as const;

function outcome({ found, done }: ResetRun, dryRun: boolean): string {
  if (dryRun || found === "alive") return ACTIONS[found];
  return done === "nothing" ? `left alone: the queue had it ${found} by then` : DONE[done];
}

function show(runs: readonly ResetRun[], options: ResetRunsOptions, dryRun: boolean): void {
  if (options.json === true) {
    for (const run of runs) process.stdout.write(`${JSON.stringify({ ...run, dry_run: dryRun })}\n`);
    return;
  }
  const now = Date.now();
  const rows = runs.map((run) => [
    ...[run.id, run.kind, run.status, formatDuration(now - run.since), run.worker_id ?? ""],
    outcome(run, dryRun),
  ]);
  if (rows.length > 0)
    process.stdout.write(table(["id", "kind", "record", "for", "worker", "outcome"], rows, { right: [3] }));
  const alive = runs.filter(({ found }) => found === "alive").length;
  const changed = runs.filter(({ done }) => done !== "nothing" && done !== "unread").length;
  const would = `${count(runs.length - alive, "run")} to reset`;
  const done = `${count(changed, "run")} reset`;
  process.stdout.write(`${dryRun ? would : done}, ${alive} alive\n`);
}
