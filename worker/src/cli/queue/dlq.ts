import type { Command } from "commander";
import type { Action } from "../command.ts";
import { STREAM, wholeNumber } from "../input/option-values.ts";
import { examples } from "../output/help.ts";
import type { RequeueOptions } from "./requeue.ts";

export interface ListOptions {
  readonly kind?: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly stream?: string;
}

export interface ExportOptions {
  readonly kind?: string;
  readonly stream?: string;
}

/** `queue dlq`: tasks that failed for good. */
export function defineDlq(command: Command, ends: Action): void {
  defineList(command, ends);
  defineExport(command, ends);
  defineRequeue(command, ends);
  examples(command, [
    ["% queue dlq list", "what failed for good, newest last"],
    ["% queue dlq requeue --kind execute", "run them all again"],
  ]);
}

function defineList(command: Command, ends: Action): void {
  const list = command
    .command("list")
    .description("dead letters in the order of their burial")
    .option("--kind <kind>", "only of this kind")
    .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), 50)
    .option(...STREAM)
    .option("--json", "one JSON object a line, the payload included")
    .action((options: ListOptions) =>
      ends(import("./list.ts").then(({ listLetters }) => listLetters(options))),
    );
  examples(list, [
    ["% queue dlq list --kind execute --limit 20", "a table"],
    ["% queue dlq list --json | jq -r .id", "for programs"],
  ]);
}

function defineExport(command: Command, ends: Action): void {
  const exported = command
    .command("export")
    .description("all dead letters as one JSON document on standard output; nothing is removed")
    .option("--kind <kind>", "only of this kind")
    .option(...STREAM)
    .action((options: ExportOptions) =>
      ends(import("./export.ts").then(({ exportLetters }) => exportLetters(options))),
    );
  examples(exported, [
    ["% queue dlq export > dead.json", "all"],
    ["% queue dlq export --kind execute | jq '.tasks | length'", "count those of a kind"],
  ]);
}

function defineRequeue(command: Command, ends: Action): void {
  const requeue = command
    .command("requeue")
    .description(
      "put dead letters back into the queue, with all their runs ahead of them; what waits, runs, has a result " +
        "or was requeued before is left alone, so that the same file may be requeued twice",
    )
    .argument("[file]", "an export; - for standard input; works into an empty Redis too")
    .option("--id <id...>", "these dead letters")
    .option("--kind <kind>", "all dead letters of a kind")
    .option("--all", "all dead letters")
    .option("--dry-run", "say what would happen")
    .option(...STREAM)
    .option("--json", "one JSON object a line: id and state")
    .action((file: string | undefined, options: RequeueOptions) =>
      ends(import("./requeue.ts").then(({ requeueLetters }) => requeueLetters(file, options))),
    );
  examples(requeue, [
    ["% queue dlq requeue --id 0198c0de-0000-7000-8000-000000000001", "one"],
    ["% queue dlq requeue --kind execute --dry-run", "what would happen"],
    ["% queue dlq requeue dead.json", "from an export"],
  ]);
}
