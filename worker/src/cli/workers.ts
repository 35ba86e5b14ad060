import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly json?: boolean;
  readonly stream?: string;
}

/** `workers`: the workers that report to a stream. */
export function define(command: Command, ends: Action): void {
  command
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((options: Options) => ends(run(options)));
  examples(command, [
    ["% workers", "state, slots, what each holds and how long ago it reported"],
    ["% workers --json | jq -r .address", "where their /metrics answer"],
  ]);
}

async function run(options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const { Workers } = await import("../adapters/redis/workers.ts");
  const { showWorkers } = await import("./status/show-workers.ts");
  return withSession(options, async ({ redis, stream }) => {
    const workers = await new Workers(redis, stream).list();
    if (options.json === true)
      for (const worker of workers) process.stdout.write(`${JSON.stringify(worker)}\n`);
    else process.stdout.write(showWorkers(workers, Date.now()));
    return EXIT.ok;
  });
}
