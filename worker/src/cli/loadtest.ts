import { type Command, InvalidArgumentError, Option } from "commander";
import type { Action } from "./command.ts";
import { age, STREAM, seconds, wholeNumber } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

export interface LoadTestOptions {
  /** Tasks a second. */
  readonly rate: number;
  /** In ms. */
  readonly duration: number;
  readonly kind: string;
  readonly payload: string;
  /** In ms. */
  readonly patience: number;
  /** In ms. */
  readonly maxP99?: number;
  readonly maxErrors: number;
  readonly reports: string;
  readonly via: "redis" | "api";
  readonly json?: boolean;
  readonly stream?: string;
}

/** `loadtest`: a steady load, and how long tasks took from the moment they were due. */
export function define(command: Command, ends: Action): void {
  command
    .option("--rate <n>", "tasks a second", perSecond, 50)
    .option("--duration <age>", "for so long: 30s, 5m", age, 60_000)
    .option("--kind <kind>", "what to run", "execute")
    .option("--payload <json>", "payload of every task", '{"command":["true"]}')
    .option("--patience <seconds>", "wait so long for the last results", seconds, 60_000)
    .option("--max-p99 <seconds>", "fail when the p99 from due to result is longer", seconds)
    .option("--max-errors <n>", "fail when more tasks do not succeed", wholeNumber(0, 1_000_000_000), 0)
    .option("--reports <folder>", "where the report is written", ".var/reports")
    .addOption(
      new Option("--via <way>", "how tasks are pushed and results are read: as applications do, or over HTTP")
        .choices(["redis", "api"])
        .default("redis"),
    )
    .option(...STREAM)
    .option("--json", "the report as one JSON object")
    .action((options: LoadTestOptions) =>
      ends(import("./loadtest/command.ts").then(({ loadTest }) => loadTest(options))),
    );
  examples(command, [
    ["% loadtest --rate 50 --duration 60s --max-p99 2", "a report, and exit code 1 when it was slower"],
    ["% loadtest --via api --rate 20", "through the API that TASKFLEET_API_URL and TASKFLEET_API_KEY name"],
    [`% loadtest --kind sleep --payload '{"ms":100}' --rate 200`, "a kind of your own"],
  ]);
  command.addHelpText(
    "after",
    "\nTasks are sent when they are due, however slow the fleet is. Exit codes: 0 within its limits, 1 not,\n2 wrong usage, 3 no Redis or no API, 130 Ctrl-C (then there is no report).",
  );
}

const MOST_A_SECOND = 100_000;

function perSecond(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && value <= MOST_A_SECOND))
    throw new InvalidArgumentError(
      `Give tasks a second, above 0 and up to ${MOST_A_SECOND}, such as 50 or 0.5.`,
    );
  return value;
}
