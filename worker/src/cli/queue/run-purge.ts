import { EXIT } from "../../../contract/exit-codes.ts";
import { Purge, type Purged, type PurgeState } from "../../adapters/redis/purge.ts";
import { canAsk, question } from "../input/question.ts";
import { table } from "../output/table.ts";
import { count } from "../output/units.ts";
import { CliError } from "../report-error.ts";
import { type Session, withSession } from "../session.ts";
import type { PurgeOptions } from "./purge.ts";

const STATES = ["waiting", "delayed", "dead"] as const;

/** `queue purge`. */
export function runPurge(options: PurgeOptions): Promise<number> {
  const asks = options.dryRun !== true && options.yes !== true;
  if (asks && (!canAsk() || options.json === true))
    throw new CliError(
      "nobody can be asked whether these tasks are to go; nothing was purged",
      EXIT.usage,
      "--dry-run shows what would go; --yes purges without asking.",
    );
  return withSession(options, async (session) => {
    if (options.dryRun === true || asks) {
      const purged = await purge(session, options, true);
      show(purged, options, true);
      if (!asks || total(purged) === 0) return EXIT.ok;
      if (!/^\s*y(es)?\s*$/i.test(await question("Purge them? [y/N] "))) {
        process.stderr.write("nothing was purged\n");
        return EXIT.failed;
      }
    }
    show(await purge(session, options, false), options, false);
    return EXIT.ok;
  });
}

function purge(
  { redis, stream, settings }: Session,
  options: PurgeOptions,
  dryRun: boolean,
): Promise<Purged> {
  const { kind, olderThan: olderThanMs = 0 } = options;
  const states = new Set<PurgeState>(STATES.filter((state) => options[state] === true));
  if (states.size === 0) states.add("waiting").add("delayed");
  return new Purge(redis, stream, {
    states,
    kind,
    olderThanMs,
    dryRun,
    resultTtlSeconds: settings.resultTtl,
  }).run();
}

function show(purged: Purged, options: PurgeOptions, dryRun: boolean): void {
  const kinds = [...purged].sort(([a], [b]) => (a < b ? -1 : 1));
  if (options.json === true) {
    const answer = {
      purged: total(purged),
      dry_run: dryRun,
      kinds: kinds.map(([kind, counts]) => ({ kind, ...counts })),
    };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    return;
  }
  if (dryRun && kinds.length > 0) {
    const rows = kinds.map(([kind, counts]) => [
      kind,
      ...STATES.map((state) => counts[state].toLocaleString("en-US")),
    ]);
    process.stdout.write(table(["kind", "waiting", "delayed", "dead"], rows, { right: [1, 2, 3] }));
  }
  process.stdout.write(`${count(total(purged), "task")} ${dryRun ? "would be purged" : "purged"}\n`);
}

function total(purged: Purged): number {
  return [...purged.values()].reduce((sum, counts) => sum + counts.waiting + counts.delayed + counts.dead, 0);
}
