import { type Command, Option } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { wholeNumber } from "./input/option-values.ts";
import { LEVELS, type Level, logFilter } from "./logs/log-filter.ts";
import type { LogLine } from "./logs/log-line.ts";
import { drained } from "./output/drain.ts";
import { examples } from "./output/help.ts";
import { CliError } from "./report-error.ts";

interface Options {
  readonly follow?: boolean;
  readonly worker?: string;
  readonly kind?: string;
  readonly task?: string;
  readonly level?: Level;
  readonly lines: number;
  readonly json?: boolean;
}

/** `logs`: what spawners and workers of a stack on this machine have written. */
export function define(command: Command, ends: Action): void {
  command
    .option("-f, --follow", "go on with what is written, until Ctrl-C")
    .option("--worker <id>", "only logs whose file name has this in it")
    .option("--kind <kind>", "only records that name this kind")
    .option("--task <id>", "only records that name this task")
    .addOption(new Option("--level <level>", "only records of this level or a higher one").choices(LEVELS))
    .option("-n, --lines <n>", "how many lines to start with", wholeNumber(0, 1_000_000), 50)
    .option("--json", "the lines as they were written, also on a terminal")
    .action((options: Options) => ends(run(options)));
  examples(command, [
    ["% logs", "the last 50 lines of all processes, by time"],
    ["% logs -f --worker a1b2", "follow one worker"],
    ["% logs -f --level warning", "follow what went wrong, of all"],
    ["% logs --json -n 1000 | jq .message", "for programs"],
  ]);
}

async function run(options: Options): Promise<number> {
  const { loadSettings } = await import("../config/load-settings.ts");
  const { LogFollower } = await import("./logs/log-follower.ts");
  const { formatLine } = await import("./logs/log-line.ts");
  const directory = loadSettings(process.env, "cli").logDirectory;
  if (directory === "")
    throw new CliError(
      "no log directory is set",
      EXIT.usage,
      "TASKFLEET_LOG_DIRECTORY names it; `taskfleet env` sets it for a stack on this machine.",
    );
  const follower = new LogFollower({
    directory,
    ...(options.worker === undefined ? {} : { source: options.worker }),
    accepts: logFilter(options),
  });
  const raw = options.json === true || process.stdout.isTTY !== true;
  const print = (lines: readonly LogLine[]) => {
    for (const line of lines) process.stdout.write(`${raw ? line.text : formatLine(line)}\n`);
    return drained(process.stdout);
  };
  await print(follower.last(options.lines));
  if (options.follow === true) {
    const ending = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
    await follower.follow(print, ending.signal);
  }
  return EXIT.ok;
}
