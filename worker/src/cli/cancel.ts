import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly json?: boolean;
  readonly stream?: string;
}

const WORDS = {
  cancelled: "cancelled before it ran",
  requested: "runs; its worker was asked to stop it",
  settled: "has ended already",
  unknown: "no such task",
} as const;

/** `cancel`: takes tasks out of the queue, or has running ones stopped. */
export function define(command: Command, ends: Action): void {
  command
    .argument("<id...>", "ids of tasks")
    .option(...STREAM)
    .option("--json", "one JSON object a line")
    .action((ids: string[], options: Options) => ends(run(ids, options)));
  examples(command, [
    ["% cancel 0198c0de-0000-7000-8000-000000000001", "one task"],
    ["% cancel $(cat ids.txt) --json", "many, for programs"],
  ]);
  command.addHelpText(
    "after",
    "\nExit codes: 0 all are cancelled or asked to stop, 1 one had ended already or is unknown.",
  );
}

async function run(ids: readonly string[], options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const { Producer } = await import("../adapters/redis/producer.ts");
  return withSession(options, async ({ redis, stream, settings }) => {
    const producer = new Producer(redis, stream, {
      resultTtlSeconds: settings.resultTtl,
      maxPayloadBytes: settings.maxPayloadBytes,
    });
    const states = await producer.cancel(ids);
    ids.forEach((id, index) => {
      const state = states[index] ?? "unknown";
      process.stdout.write(
        options.json === true ? `${JSON.stringify({ id, state })}\n` : `${id}  ${WORDS[state]}\n`,
      );
    });
    return states.every((state) => state === "cancelled" || state === "requested") ? EXIT.ok : EXIT.failed;
  });
}
