import { type Command, Option } from "commander";
import { DEFAULT_PRIORITY, PRIORITIES, type Priority } from "../../contract/priorities.ts";
import type { Action } from "./command.ts";
import { maxAttempts, STREAM, seconds } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

export interface PushOptions {
  readonly payload?: string;
  readonly payloadFile?: string;
  readonly file?: string;
  readonly id?: string;
  readonly idempotencyKey?: string;
  /** In ms. */
  readonly delay?: number;
  /** In ms. */
  readonly timeout?: number;
  readonly maxAttempts?: number;
  readonly priority?: Priority;
  readonly agent?: string;
  readonly wait?: boolean;
  /** In ms. */
  readonly waitTimeout?: number;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `push`: tasks into the queue. */
export function define(command: Command, ends: Action): void {
  command
    .usage("KIND [options] | [KIND] -f <file> [options] | - [options]")
    .argument(
      "[kind]",
      "what to run; with a file, for its tasks that name no kind; - reads tasks from standard input",
    )
    .argument("[source]", "- reads tasks from standard input")
    .option("--payload <json>", "the payload (default: {})")
    .option("--payload-file <file>", "a file that holds the payload; - for standard input")
    .option("-f, --file <file>", "tasks: JSON (one, or an array) or JSON Lines; - for standard input")
    .option("--id <id>", "the task's id; pushing an id that is known already does nothing")
    .option("--idempotency-key <id>", "the same as --id")
    .option("--delay <seconds>", "earliest start from now", seconds)
    .option("--timeout <seconds>", "time limit of one run (default: the kind's or the fleet's)", seconds)
    .option(
      "--max-attempts <n>",
      "runs in all before the dead-letter queue (default: the kind's or the fleet's)",
      maxAttempts,
    )
    .addOption(
      new Option(
        "--priority <level>",
        `share of the workers while more waits than they can do: ${DEFAULT_PRIORITY} by default`,
      ).choices(PRIORITIES),
    )
    .option("--agent <id>", "whom the record names as its agent (default: the task's own id)")
    .option("--wait", "wait for the results and print them")
    .option("--wait-timeout <seconds>", "wait at most so long; implies --wait", seconds)
    .option(...STREAM)
    .option("--json", "one JSON object per task and line")
    .action((kind: string | undefined, source: string | undefined, options: PushOptions) =>
      ends(import("./push/command.ts").then(({ push }) => push(kind, source, options))),
    );
  examples(command, [
    [`% push word-count --payload '{"text": "one two"}' --wait`, "one task, and its result"],
    ["% push sleep --payload-file nap.json --id nap-1 --delay 60", "in a minute, and only once"],
    ["% push -f tasks.jsonl", "many; none is pushed when one is malformed"],
    ["% push report --priority low", "when the others leave room; a tenth of the workers at the least"],
    ["make-tasks | % push - --json", "from a program, for a program"],
  ]);
  command.addHelpText(
    "after",
    [
      `\nA task of a file: {"kind", "payload", "id", "delay", "timeout", "max_attempts", "priority", "agent_id", "traceparent", "tracestate"}; all but kind may be missing.`,
      "Prints the ids. Exit codes: 0 pushed (with --wait: all succeeded), 1 with --wait: one failed, 2 refused and",
      "nothing was pushed, 3 no Redis, 4 the wait's time is over, 5 queue full.",
    ].join("\n"),
  );
}
