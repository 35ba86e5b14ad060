import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import { RUN_STATUSES, type Run, type RunStatus } from "../../contract/runs.ts";
import type { ActivityStore } from "../ports/activity-store.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly status?: string;
  readonly kind?: string;
  readonly agent?: string;
  readonly limit?: string;
  readonly olderThan?: string;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `runs`: what the record knows of tasks. */
export function define(command: Command, ends: Action): void {
  examples(command, [["% runs list --status running", "what runs now"]]);
  const list = command
    .command("list")
    .description("list runs, last changed first")
    .option("--status <status>", `only runs of this status: ${RUN_STATUSES.join(", ")}`)
    .option("--kind <kind>", "only runs of this kind")
    .option("--agent <id>", "only runs of this agent")
    .option("--limit <n>", "at most so many, up to 1000", "100")
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((options: Options) => ends(listRuns(options)));
  examples(list, [["% runs list --status dead", "what ended among the dead letters"]]);
  const show = command
    .command("show")
    .argument("<id>", "id of a task")
    .description("show a run and its log, as JSON")
    .option(...STREAM)
    .action((id: string, options: Options) => ends(showRun(id, options)));
  examples(show, [["% runs show 0198c0de-0000-7000-8000-000000000001", "one run"]]);
  const stuck = command
    .command("stuck")
    .description("list runs that have been running for long, oldest first")
    .option("--older-than <minutes>m", "started longer ago than this", "30m")
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((options: Options) => ends(listStuck(options)));
  examples(stuck, [["% runs stuck --older-than 60m", "running for an hour or more"]]);
}

async function listRuns(options: Options): Promise<number> {
  const { status, kind, agent: agentId } = options;
  const limit = Number(options.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    return usage(`--limit: ${options.limit} is no whole number from 1 to 1000`);
  if (status !== undefined && !isStatus(status))
    return usage(`--status: ${status} is none of ${RUN_STATUSES.join(", ")}`);
  return withStore(options, async (store, stream) => {
    const statuses = status === undefined ? {} : { statuses: [status] };
    const { runs } = await store.runs(stream, {
      ...{
        limit,
        ...statuses,
        ...(kind !== undefined && { kind }),
        ...(agentId !== undefined && { agentId }),
      },
    });
    return print(runs, options);
  });
}

async function showRun(id: string, options: Options): Promise<number> {
  return withStore(options, async (store, stream) => {
    const run = await store.run(stream, id);
    if (run === undefined) {
      const { CliError } = await import("./report-error.ts");
      throw new CliError(`the record has no run ${id} of ${stream}`, EXIT.failed);
    }
    process.stdout.write(`${JSON.stringify(run, undefined, 2)}\n`);
    return EXIT.ok;
  });
}

async function listStuck(options: Options): Promise<number> {
  const minutes = Number(/^(\d+)m$/.exec(options.olderThan ?? "")?.[1]);
  if (!(minutes >= 0))
    return usage(`--older-than: ${options.olderThan} is no number of minutes, such as 30m`);
  return withStore(options, async (store, stream) => {
    const startedBefore = Date.now() - minutes * 60_000;
    return print(await store.open(stream, { status: "running", startedBefore, limit: 1000 }), options);
  });
}

function isStatus(text: string): text is RunStatus {
  return (RUN_STATUSES as readonly string[]).includes(text);
}

async function usage(message: string): Promise<never> {
  const { CliError } = await import("./report-error.ts");
  throw new CliError(message, EXIT.usage);
}

async function print(runs: readonly Run[], options: Options): Promise<number> {
  if (options.json === true) for (const run of runs) process.stdout.write(`${JSON.stringify(run)}\n`);
  else {
    const { table } = await import("./output/table.ts");
    const time = (ms: number | null) => (ms === null ? "" : new Date(ms).toISOString());
    const rows = runs.map((run) => [
      ...[run.id, run.status, run.kind, run.agent_id, String(run.attempts)],
      ...[time(run.created_at), time(run.started_at), time(run.finished_at)],
    ]);
    process.stdout.write(
      table(["id", "status", "kind", "agent", "attempts", "created", "started", "finished"], rows),
    );
  }
  return EXIT.ok;
}

async function withStore(
  options: Options,
  work: (store: ActivityStore, stream: string) => Promise<number>,
): Promise<number> {
  const { loadSettings } = await import("../config/load-settings.ts");
  const { openStore } = await import("../adapters/postgres/open-store.ts");
  const settings = loadSettings(process.env, "cli");
  const store = await openStore(settings, "taskfleet runs");
  if (store === undefined) return usage("runs are read from the record, and DATABASE_URL is not set");
  try {
    return await work(store, options.stream ?? (settings.streams[0] as string));
  } finally {
    await store.close();
  }
}
