import type { Command } from "commander";
import type { Action } from "./command.ts";
import { STREAM, seconds } from "./input/option-values.ts";
import { examples } from "./output/help.ts";
import type { ShownOutcome } from "./output/outcome.ts";

interface Options {
  readonly wait?: boolean;
  readonly timeout?: number;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `result`: how tasks ended. */
export function define(command: Command, ends: Action): void {
  command
    .argument("<id...>", "ids of tasks, as push prints them")
    .option("--wait", "wait until each of them has ended")
    .option("--timeout <seconds>", "wait at most so long; implies --wait", seconds)
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((ids: string[], options: Options) => ends(run(ids, options)));
  examples(command, [
    ["% result 0198c0de-0000-7000-8000-000000000001", "output, runs, worker, or the errors of a dead one"],
    ["% result --wait --timeout 60 a b c", "wait for three tasks, a minute at most"],
    ["% result --json a b | jq .result.output", "for programs"],
  ]);
  command.addHelpText(
    "after",
    "\nExit codes: 0 all succeeded, 1 one failed, was cancelled, is dead or unknown, 4 one waits or runs.",
  );
}

async function run(ids: readonly string[], options: Options): Promise<number> {
  const { resultsOf, withSession } = await import("./session.ts");
  const { outcomeJson, showOutcomes } = await import("./output/outcome.ts");
  const { exitCodeOf, waitForOutcomes } = await import("./waiting.ts");
  const { progressBar } = await import("./output/progress.ts");
  return withSession(options, async (session) => {
    const results = await resultsOf(session);
    const found: ShownOutcome[] = await results.read(ids);
    let end: "complete" | "timeout" | "interrupted" = "complete";
    const waits = options.wait === true || options.timeout !== undefined;
    const open = ids.filter((_, index) => found[index]?.state === "open");
    const unknown = await results.unknown(open);
    if (waits && open.length > 0) {
      if (unknown.size > 0)
        process.stderr.write(`not known (yet), waited for all the same: ${[...unknown].join(" ")}\n`);
      const progress = await progressBar("tasks", options.json !== true);
      const waited = await waitForOutcomes(results, ids, { timeoutMs: options.timeout, progress });
      end = waited.end;
      ids.forEach((id, index) => {
        found[index] = waited.outcomes.get(id) ?? { state: "open" };
      });
    } else
      ids.forEach((id, index) => {
        if (unknown.has(id)) found[index] = { state: "unknown" };
      });
    const pairs = ids.map((id, index) => [id, found[index] ?? ({ state: "open" } as const)] as const);
    if (options.json === true)
      for (const [id, outcome] of pairs) process.stdout.write(`${outcomeJson(id, outcome)}\n`);
    else process.stdout.write(showOutcomes(pairs));
    return exitCodeOf(found, end);
  });
}
