import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly watch?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `status`: queue, kinds, workers, spawner at a glance. */
export function define(command: Command, ends: Action): void {
  command
    .option("-w, --watch", "redraw every second, until Ctrl-C")
    .option(...STREAM)
    .option("--json", "one JSON object; with --watch one a line")
    .action((options: Options) => ends(run(options)));
  examples(command, [
    ["% status", "how the fleet stands"],
    ["% status --watch", "live"],
    ["% status --json | jq .queue.waiting", "for programs"],
  ]);
}

async function run(options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const { readSnapshot } = await import("./status/snapshot.ts");
  const { showSnapshot } = await import("./status/show-snapshot.ts");
  return withSession(options, async (session) => {
    const read = async () => {
      const snapshot = await readSnapshot(session);
      return options.json === true ? `${JSON.stringify(snapshot)}\n` : showSnapshot(snapshot);
    };
    if (options.watch === true) {
      const { watch } = await import("./status/watch.ts");
      await watch(read);
    } else process.stdout.write(await read());
    return EXIT.ok;
  });
}
