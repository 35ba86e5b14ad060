import type { Command } from "commander";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";
import { defineDlq } from "./queue/dlq.ts";
import { definePurge } from "./queue/purge.ts";

interface Options {
  readonly json?: boolean;
  readonly stream?: string;
}

/** `queue`: pause, resume, depth, purge, and the dead-letter queue. */
export function define(command: Command, ends: Action): void {
  const pause = command
    .command("pause")
    .description("workers take no further task; running ones go on, pushes are accepted")
    .option(...STREAM)
    .action((options: Options) => ends(setPaused(options, true)));
  examples(pause, [["% queue pause", "before maintenance"]]);
  const resume = command
    .command("resume")
    .description("workers take tasks again")
    .option(...STREAM)
    .action((options: Options) => ends(setPaused(options, false)));
  examples(resume, [["% queue resume", "go on"]]);
  const depth = command
    .command("depth")
    .description("how many tasks wait, run, are delayed or dead")
    .option(...STREAM)
    .option("--json", "one JSON object")
    .action((options: Options) => ends(showDepth(options)));
  examples(depth, [
    ["% queue depth", "for people"],
    ["% queue depth --json | jq '.waiting + .running'", "the backlog that scalers see"],
  ]);
  definePurge(command.command("purge"), ends);
  defineDlq(
    command.command("dlq").description("the dead-letter queue: clusters, list, export, requeue"),
    ends,
  );
  examples(command, [
    ["% queue depth", "how much there is to do"],
    ["% queue dlq export > dead.json", "keep the dead letters in a file"],
    ["% queue dlq requeue dead.json", "and give them another chance"],
  ]);
}

async function setPaused(options: Options, paused: boolean): Promise<number> {
  const { withSession } = await import("./session.ts");
  const queue = await import("../adapters/redis/queue-status.ts");
  const { EXIT } = await import("../../contract/exit-codes.ts");
  return withSession(options, async ({ redis, stream }) => {
    await queue.setPaused(redis, stream, paused);
    process.stdout.write(`${stream} ${paused ? "is paused" : "is open"}\n`);
    return EXIT.ok;
  });
}

async function showDepth(options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const queue = await import("../adapters/redis/queue-status.ts");
  const { EXIT } = await import("../../contract/exit-codes.ts");
  const { showQueue } = await import("./status/show-snapshot.ts");
  return withSession(options, async ({ redis, stream }) => {
    const depth = await queue.depth(redis, stream);
    process.stdout.write(options.json === true ? `${JSON.stringify(depth)}\n` : showQueue(stream, depth));
    return EXIT.ok;
  });
}
