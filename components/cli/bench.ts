import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";

/** Each is `test/bench/<name>.ts`. */
export const BENCHMARKS: Readonly<Record<string, string>> = {
  api: "pushes over HTTP, beside the same framework with an empty handler",
  compose: "stack compose: up, push to start from zero, 4 containers beside 1, memory",
  local: "stack local: up without changes, push to start, reclaim, memory",
  sessions: "sessions over WebSocket: delay of events with 1,000 followers of one API",
  queue:
    "the queue: beside BullMQ and Redis' limit, processes, payloads, latency, a million tasks, idle workers",
  record: "the record: the queue with it and without it, at its ceiling and at 5,000 tasks a second",
};

interface Options {
  readonly json?: boolean;
  readonly part?: string;
}

async function bench(name: string, { json, part }: Options): Promise<void> {
  if (!Object.hasOwn(BENCHMARKS, name)) {
    const known = Object.keys(BENCHMARKS).join(", ");
    throw new CommandError(
      `there is no benchmark ${JSON.stringify(name)}: choose one of ${known}`,
      EXIT.usage,
    );
  }
  const file = join(PATHS.root, "test", "bench", `${name}.ts`);
  const child = spawn(
    process.execPath,
    [file, ...(json === true ? ["--json"] : []), ...(part === undefined ? [] : ["--part", part])],
    { stdio: "inherit" },
  );
  const [code] = (await once(child, "close")) as [number | null];
  process.exitCode = code ?? EXIT.failed;
}

/** Adds `taskfleet bench`. */
export function register(program: Command): void {
  const list = Object.entries(BENCHMARKS).map(([name, what]) => `  ${name}  ${what}`);
  program
    .command("bench")
    .description("measure: progress on standard error, figures on standard output")
    .argument("<name>", "which benchmark")
    .option("--json", "one JSON object instead of a table")
    .option(
      "--part <names>",
      "only these parts, with commas between them; queue has head, costs, processes, payloads, latency, million, idle",
    )
    .addHelpText("after", `\nBenchmarks:\n${list.join("\n")}`)
    .action((name: string, options: Options) => bench(name, options));
}
