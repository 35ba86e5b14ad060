import { EXIT } from "../../../contract/exit-codes.ts";
import type { DeadLetter } from "../../../contract/records.ts";
import { DeadLetters, type Requeued } from "../../adapters/redis/dead-letters.ts";
import { readInput } from "../input/read-input.ts";
import { CliError } from "../report-error.ts";
import { withSession } from "../session.ts";
import { parseExport } from "./export-file.ts";

export interface RequeueOptions {
  readonly id?: readonly string[];
  readonly kind?: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

const WORDS: Readonly<Record<Requeued["state"], string>> = {
  requeued: "requeued",
  waiting: "left alone: waiting already",
  running: "left alone: running",
  settled: "left alone: it has a result",
  "already-requeued": "left alone: requeued before",
  unknown: "not a dead letter",
};

/** `queue dlq requeue`. */
export async function requeueLetters(file: string | undefined, options: RequeueOptions): Promise<number> {
  const ways = [file, options.id, options.kind, options.all].filter((way) => way !== undefined);
  if (ways.length !== 1)
    throw new CliError(
      "say which dead letters: exactly one of a FILE, --id, --kind or --all",
      EXIT.usage,
      "FILE is what `queue dlq export` wrote; - reads it from standard input.",
    );
  // A malformed file is refused before Redis is asked for anything.
  const name = file === "-" ? "standard input" : String(file);
  const exported =
    file === undefined ? undefined : parseExport(name, (await readInput(file)).toString("utf8"));
  return withSession(options, async (session) => {
    if (exported !== undefined && options.stream === undefined && exported.stream !== session.stream)
      throw new CliError(
        `${name} is an export of ${exported.stream}, and the stream here is ${session.stream}; nothing was requeued`,
        EXIT.usage,
        `Say which is meant: --stream ${exported.stream} or --stream ${session.stream}.`,
      );
    const dead = new DeadLetters(session.redis, session.stream);
    const states = await requeue(dead, exported?.tasks, options);
    process.stdout.write(options.json === true ? states.map(toLine).join("") : summarise(states, options));
    return states.some(({ state }) => state === "unknown") ? EXIT.failed : EXIT.ok;
  });
}

async function requeue(
  dead: DeadLetters,
  letters: readonly DeadLetter[] | undefined,
  { id: ids, kind, dryRun = false }: RequeueOptions,
): Promise<Requeued[]> {
  if (ids !== undefined) return dead.requeueIds(ids, { dryRun });
  const chosen = letters ?? (await dead.list(kind === undefined ? {} : { kind }));
  return dead.requeue(chosen, { dryRun });
}

function toLine({ id, state }: Requeued): string {
  return `${JSON.stringify({ id, state })}\n`;
}

/** How many ended in each state, and which ids are no dead letters. */
function summarise(states: readonly Requeued[], { dryRun }: RequeueOptions): string {
  if (states.length === 0) return "no dead letters\n";
  const counts = new Map<Requeued["state"], number>();
  for (const { state } of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  const lines = [...counts].map(([state, amount]) => {
    const word = dryRun === true && state === "requeued" ? "would be requeued" : WORDS[state];
    return `${amount.toLocaleString("en-US")} ${word}\n`;
  });
  const unknown = states.filter(({ state }) => state === "unknown").map(({ id }) => `  ${id}\n`);
  return [...lines, ...unknown].join("");
}
