import type { Command } from "commander";
import { DEFAULT_OUTPUT_BYTES, MAX_OUTPUT_BYTES } from "../handlers/execute/bounded-output.ts";
import type { Action } from "./command.ts";
import { maxAttempts, STREAM, seconds, wholeNumber } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

export interface MapOptions {
  readonly files?: readonly string[];
  readonly filesFrom?: string;
  readonly null?: boolean;
  /** In ms. */
  readonly timeout?: number;
  readonly maxAttempts?: number;
  /** In bytes. */
  readonly maxOutput?: number;
  readonly json?: boolean;
  readonly stream?: string;
}

const OUTPUT_HELP = `cap on what one run prints (default: ${DEFAULT_OUTPUT_BYTES})`;

/** `map`: a program over many files, on the fleet. */
export function define(command: Command, ends: Action): void {
  command
    .passThroughOptions()
    .description(
      "run COMMAND once per file, on the fleet: it gets the file's bytes (1 MiB at most) as standard input; what " +
        "it prints comes out here in the order of the files",
    )
    .usage("(--files <glob...> | --files-from <file>) [options] -- COMMAND [ARG...]")
    .argument("<command...>", "program and arguments, without a shell; {} stands for the file's name")
    .option("--files <glob...>", "files, by patterns (quoted, or expanded by the shell)")
    .option("--files-from <file>", "names of files, one a line; - reads them from standard input")
    .option("-0, --null", "the names are separated by NUL, as git ls-files -z and find -print0 print them")
    .option("--timeout <seconds>", "time limit of one run (default: the fleet's)", seconds)
    .option(
      "--max-attempts <n>",
      "runs in all where a program could not be started (default: the fleet's)",
      maxAttempts,
    )
    .option("--max-output <bytes>", OUTPUT_HELP, wholeNumber(0, MAX_OUTPUT_BYTES))
    .option(...STREAM)
    .option("--json", "one JSON object per file and line, instead of what it printed")
    .action((words: string[], options: MapOptions) =>
      ends(import("./map/command.ts").then(({ mapFiles }) => mapFiles(words, options))),
    );
  examples(command, [
    ["% map --files 'src/**/*.ts' -- wc -l", "count the lines of every file"],
    ["git ls-files -z | % map --files-from - -0 -- sha256sum", "hash a whole tree"],
    ["% map --files '*.log' --json -- grep -c {} | jq .file", "for programs; {} is the name"],
  ]);
  command.addHelpText(
    "after",
    [
      "\nA worker sees the bytes of a file and, by {}, its name; never the file itself. COMMAND must be installed there.",
      "Ctrl-C asks once, then cancels what is left.",
      "Exit codes: 0 all succeeded, 1 one failed (named on standard error), 2 refused before anything was pushed,",
      "3 no Redis, 5 queue full, 130 Ctrl-C.",
    ].join("\n"),
  );
}
