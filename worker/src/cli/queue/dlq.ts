import type { Command } from "commander";
import type { Action } from "../command.ts";
import { fingerprint, STREAM, wholeNumber } from "../input/option-values.ts";
import { examples } from "../output/help.ts";
import type { RequeueOptions } from "./requeue.ts";

export interface ListOptions {
  readonly kind?: string;
  readonly cluster?: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly stream?: string;
}

export interface ExportOptions {
  readonly kind?: string;
  readonly cluster?: string;
  readonly stream?: string;
}

export interface ClustersOptions {
  readonly kind?: string;
  readonly limit: number;
  readonly json?: boolean;
  readonly stream?: string;
}

const KIND = ["--kind <kind>", "only of this kind"] as const;
const CLUSTER = ["--cluster <fingerprint>", "only of this cluster, see clusters"] as const;

/** `queue dlq`: tasks that failed for good. */
export function defineDlq(command: Command, ends: Action): void {
  defineClusters(command, ends);
  defineList(command, ends);
  defineExport(command, ends);
  defineRequeue(command, ends);
  examples(command, [
    ["% queue dlq clusters", "what they died of, most frequent first"],
    ["% queue dlq list", "what failed for good, newest last"],
    ["% queue dlq requeue --cluster dc793505", "the cause is mended: run its tasks again"],
  ]);
}

function defineClusters(command: Command, ends: Action): void {
  const clusters = command
    .command("clusters")
    .description(
      "dead letters grouped by the fingerprint of their last error: kind, reason, and the message without numbers, " +
        "ids, quoted texts, paths, addresses and times",
    )
    .option(...KIND)
    .option("--limit <n>", "at most so many clusters", wholeNumber(1, 1_000_000), 50)
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((options: ClustersOptions) =>
      ends(import("./clusters.ts").then(({ showClusters }) => showClusters(options))),
    );
  examples(clusters, [
    ["% queue dlq clusters", "a table, most frequent first"],
    ["% queue dlq clusters --json | jq -r '\"\\(.count) \\(.fingerprint)\"'", "for programs"],
  ]);
}

function defineList(command: Command, ends: Action): void {
  const list = command
    .command("list")
    .description("dead letters in the order of their burial")
    .option(...KIND)
    .option(...CLUSTER, fingerprint)
    .option("--limit <n>", "at most so many", wholeNumber(1, 1_000_000), 50)
    .option(...STREAM)
    .option("--json", "one JSON object a line, the payload included")
    .action((options: ListOptions) =>
      ends(import("./list.ts").then(({ listLetters }) => listLetters(options))),
    );
  examples(list, [
    ["% queue dlq list --kind execute --limit 20", "a table"],
    ["% queue dlq list --cluster dc793505", "those of one cause"],
    ["% queue dlq list --json | jq -r .id", "for programs"],
  ]);
}

function defineExport(command: Command, ends: Action): void {
  const exported = command
    .command("export")
    .description("all dead letters as one JSON document on standard output; nothing is removed")
    .option(...KIND)
    .option(...CLUSTER, fingerprint)
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
    .option("--cluster <fingerprint>", "all dead letters of a cluster, see clusters", fingerprint)
    .option("--all", "all dead letters")
    .option("--force", "also letters of kinds that the fleet does not run")
    .option("--dry-run", "say what would happen")
    .option(...STREAM)
    .option("--json", "one JSON object a line: id and state")
    .action((file: string | undefined, options: RequeueOptions) =>
      ends(import("./requeue.ts").then(({ requeueLetters }) => requeueLetters(file, options))),
    );
  examples(requeue, [
    ["% queue dlq requeue --id 0198c0de-0000-7000-8000-000000000001", "one"],
    ["% queue dlq requeue --cluster dc793505 --dry-run", "what would happen to those of one cause"],
    ["% queue dlq requeue dead.json", "from an export"],
  ]);
}
