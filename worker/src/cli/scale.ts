import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import { MOST_ORDERED_WORKERS, type ScalingOrder } from "../../contract/scaling-order.ts";
import type { Action } from "./command.ts";
import { STREAM } from "./input/option-values.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly stream?: string;
}

type Wanted = number | "pause" | "resume";

/** `scale <N|pause|resume>`: an operator's word on the number of workers, above the scaling law. */
export function define(command: Command, ends: Action): void {
  command
    .argument(
      "<number|pause|resume>",
      "so many workers; nobody starts or stops any; the law again",
      parseWanted,
    )
    .option(...STREAM)
    .action((wanted: Wanted, options: Options) => ends(scale(wanted, options)));
  examples(command, [
    ["% scale 16", "16 workers, whatever the law says; busy ones are never stopped"],
    ["% scale pause", "leave the workers as they are, also those that are started or stopped by hand"],
    ["% scale resume", "let the law decide again"],
  ]);
}

function parseWanted(word: string): Wanted {
  if (word === "pause" || word === "resume") return word;
  const workers = /^\d{1,6}$/.test(word) ? Number(word) : Number.NaN;
  if (workers <= MOST_ORDERED_WORKERS) return workers;
  throw new InvalidArgumentError(`Give a number from 0 to ${MOST_ORDERED_WORKERS}, pause or resume.`);
}

async function scale(wanted: Wanted, options: Options): Promise<number> {
  const { withSession } = await import("./session.ts");
  const { serverTimeMs } = await import("../adapters/redis/queue-status.ts");
  const { giveOrder } = await import("../adapters/redis/scaling-orders.ts");
  return withSession(options, async ({ redis, stream }) => {
    await giveOrder(redis, stream, orderOf(wanted, await serverTimeMs(redis)));
    process.stdout.write(`${stream}: ${SAID[typeof wanted === "number" ? "manual" : wanted](wanted)}\n`);
    return EXIT.ok;
  });
}

function orderOf(wanted: Wanted, atMs: number): ScalingOrder {
  if (wanted === "resume") return { mode: "law" };
  return wanted === "pause" ? { mode: "paused", atMs } : { mode: "manual", workers: wanted, atMs };
}

const SAID = {
  manual: (wanted: Wanted) => `${wanted} ${wanted === 1 ? "worker" : "workers"}, until \`scale resume\``,
  pause: () => "workers stay as they are, until `scale resume`",
  resume: () => "the scaling law decides",
};
