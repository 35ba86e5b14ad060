import { EXIT } from "../../../contract/exit-codes.ts";
import type { DeadLetter } from "../../../contract/records.ts";
import { DeadLetters, type Requeued } from "../../adapters/redis/dead-letters.ts";
import { readKinds } from "../../adapters/redis/queue-status.ts";
import { durabilityOf } from "../../adapters/redis/replica-wait.ts";
import { readInput } from "../input/read-input.ts";
import { CliError } from "../report-error.ts";
import { type Session, withSession } from "../session.ts";
import { parseExport } from "./export-file.ts";

export interface RequeueOptions {
  readonly id?: readonly string[];
  readonly kind?: string;
  readonly cluster?: string;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly stream?: string;
}

/** `no-handler`: nothing was done, for the fleet does not run the letter's kind. */
type State = Requeued["state"] | "no-handler";
interface Handled {
  readonly id: string;
  readonly state: State;
}

const WORDS: Readonly<Record<State, string>> = {
  requeued: "requeued",
  waiting: "left alone: waiting already",
  running: "left alone: running",
  settled: "left alone: it has a result",
  "already-requeued": "left alone: requeued before",
  "no-handler": "left alone: the fleet does not run its kind (--force requeues it all the same)",
  unknown: "not a dead letter",
};

/** `queue dlq requeue`. */
export async function requeueLetters(file: string | undefined, options: RequeueOptions): Promise<number> {
  const ways = [file, options.id, options.kind, options.cluster, options.all];
  if (ways.filter((way) => way !== undefined).length !== 1)
    throw new CliError(
      "say which dead letters: exactly one of a FILE, --id, --kind, --cluster or --all",
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
    const states: Handled[] = [];
    try {
      for await (const page of requeue(session, exported?.tasks, options)) {
        states.push(...page);
        if (options.json === true) process.stdout.write(page.map(toLine).join(""));
      }
    } catch (error) {
      // Those before the error are in.
      if (options.json !== true && states.length > 0) process.stdout.write(summarise(states, options));
      throw error;
    }
    if (options.json !== true) process.stdout.write(summarise(states, options));
    return states.some(({ state }) => state === "unknown" || state === "no-handler") ? EXIT.failed : EXIT.ok;
  });
}

/** Requeues what is asked for, page by page; what became of each letter. */
async function* requeue(
  session: Session,
  exported: readonly DeadLetter[] | undefined,
  options: RequeueOptions,
): AsyncGenerator<Handled[]> {
  const { id: ids, kind, cluster, dryRun = false } = options;
  const dead = new DeadLetters(session.redis, session.stream, durabilityOf(session.settings));
  const runs = await knownKinds(session, options);
  if (ids !== undefined) {
    const foreign = new Set((await dead.byIds(ids)).filter((letter) => !runs(letter)).map(({ id }) => id));
    yield dead.requeueIds(
      ids.filter((id) => !foreign.has(id)),
      { dryRun },
    );
    yield leftAlone([...foreign]);
    return;
  }
  for await (const page of exported === undefined ? dead.pages({ kind, cluster }) : [exported]) {
    yield dead.requeue(page.filter(runs), { dryRun });
    yield leftAlone(page.filter((letter) => !runs(letter)).map(({ id }) => id));
  }
}

/** Whether the fleet runs a letter's kind; all of them with `--force`, and where no fleet has published any yet. */
async function knownKinds(
  { redis, stream }: Session,
  { force }: RequeueOptions,
): Promise<(letter: DeadLetter) => boolean> {
  const kinds = force === true ? undefined : await readKinds(redis, stream);
  return ({ kind }) => kinds === undefined || kinds.size === 0 || kinds.has(kind);
}

function leftAlone(ids: readonly string[]): Handled[] {
  return ids.map((id) => ({ id, state: "no-handler" }));
}

function toLine({ id, state }: Handled): string {
  return `${JSON.stringify({ id, state })}\n`;
}

/** How many ended in each state, and which ids are no dead letters. */
function summarise(states: readonly Handled[], { dryRun }: RequeueOptions): string {
  if (states.length === 0) return "no dead letters\n";
  const counts = new Map<State, number>();
  for (const { state } of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  const lines = [...counts].map(([state, amount]) => {
    const word = dryRun === true && state === "requeued" ? "would be requeued" : WORDS[state];
    return `${amount.toLocaleString("en-US")} ${word}\n`;
  });
  const unknown = states.filter(({ state }) => state === "unknown").map(({ id }) => `  ${id}\n`);
  return [...lines, ...unknown].join("");
}
