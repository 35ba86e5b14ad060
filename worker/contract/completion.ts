/**
 * What may stand next on a command line. Both command lines answer their shells' completion scripts with it; the
 * interfaces are the part of commander's own that it reads.
 */

/** The hidden first word with which a shell's script asks. `<program> __complete -- <words>`; the last is begun. */
export const COMPLETE = "__complete";

export interface OptionLike {
  readonly flags: string;
  readonly short?: string | undefined;
  readonly long?: string | undefined;
  readonly description: string;
  /** Takes a value. */
  readonly required: boolean;
  readonly optional: boolean;
  readonly variadic: boolean;
  readonly hidden: boolean;
  readonly argChoices?: readonly string[] | undefined;
}
export interface ArgumentLike {
  readonly variadic: boolean;
  readonly argChoices?: readonly string[] | undefined;
  name(): string;
}
export interface CommandLike {
  readonly options: readonly OptionLike[];
  readonly registeredArguments: readonly ArgumentLike[];
  readonly commands: readonly CommandLike[];
  name(): string;
  summary(): string;
  description(): string;
}

/** A word, and what it means; "" for nothing to say. */
export interface Suggestion {
  readonly word: string;
  readonly meaning: string;
}

/**
 * `words`: these. `value`: what an option (its name without dashes) or an argument takes; `before` stands in front of
 * it in the same word (`--stack=`), `begun` is what there is of it.
 */
export type Wanted =
  | { readonly type: "words"; readonly suggestions: readonly Suggestion[] }
  | {
      readonly type: "value";
      readonly of: string;
      readonly choices: readonly string[];
      readonly before: string;
      readonly begun: string;
    };

/** How far the words before the begun one lead. */
interface Place {
  readonly command: CommandLike;
  /** Arguments of the command so far. */
  readonly given: number;
  /** The option whose value comes next. */
  readonly option: OptionLike | undefined;
  /** Behind `--`. */
  readonly ended: boolean;
}

/** What may stand in the place of the last word, which may be "". */
export function completeWords(root: CommandLike, words: readonly string[]): Wanted {
  const begun = words.at(-1) ?? "";
  const { command, given, option, ended } = walk(root, words.slice(0, -1));
  if (option !== undefined) return valueFor(option, "", begun);
  if (!ended && begun.startsWith("-")) {
    const end = begun.indexOf("=");
    const assigned = end === -1 ? undefined : find(command, begun.slice(0, end));
    if (assigned !== undefined) return valueFor(assigned, begun.slice(0, end + 1), begun.slice(end + 1));
    return starting(begun, optionWords(command, words));
  }
  if (!ended && given === 0 && command.commands.length > 0)
    return starting(begun, command.commands.map(commandWord));
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[given] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return { type: "words", suggestions: [] };
  return { type: "value", of: argument.name(), choices: argument.argChoices ?? [], before: "", begun };
}

function walk(root: CommandLike, words: readonly string[]): Place {
  let place: Place = { command: root, given: 0, option: undefined, ended: false };
  for (const [at, word] of words.entries()) {
    const { command, given, option, ended } = place;
    if (option !== undefined) place = { ...place, option: undefined };
    else if (!ended && word === "--") place = { ...place, ended: true };
    else if (!ended && word.startsWith("-") && word !== "-") {
      const named = find(command, word);
      if (named !== undefined && takesValue(named)) place = { ...place, option: named };
    } else if (!(at === 0 && word === "help")) {
      const inner = given === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      place = inner === undefined ? { ...place, given: given + 1 } : { ...place, command: inner };
    }
  }
  return place;
}

function find(command: CommandLike, flag: string): OptionLike | undefined {
  return command.options.find(({ short, long }) => flag === short || flag === long);
}

function takesValue({ required, optional }: OptionLike): boolean {
  return required || optional;
}

function valueFor(option: OptionLike, before: string, begun: string): Wanted {
  const of = (option.long ?? option.flags).replace(/^-+/, "");
  return { type: "value", of, choices: option.argChoices ?? [], before, begun };
}

/** The options that were not given yet. */
function optionWords(command: CommandLike, words: readonly string[]): Suggestion[] {
  const given = new Set(words.slice(0, -1).map((word) => word.replace(/=.*/, "")));
  const isLeft = ({ short = "", long = "", variadic, hidden }: OptionLike) =>
    !hidden && (variadic || !(given.has(short) || given.has(long)));
  return [
    ...command.options.filter(isLeft).map(({ short, long, description }) => ({
      word: long ?? short ?? "",
      meaning: description,
    })),
    { word: "--help", meaning: "display help for command" },
  ];
}

function commandWord(command: CommandLike): Suggestion {
  return { word: command.name(), meaning: command.summary() || command.description() };
}

function starting(begun: string, suggestions: readonly Suggestion[]): Wanted {
  return { type: "words", suggestions: suggestions.filter(({ word }) => word.startsWith(begun)) };
}

/** A line by which a script is told to offer files, or folders. */
export type PathsLine = ":files" | ":folders";

/** Where the values of options and arguments come from, by their names. */
export type ValueSources = Readonly<Record<string, PathsLine | (() => Promise<readonly string[]>)>>;

/**
 * The answer to a shell's script, one suggestion a line: word, tab, meaning; or one `PathsLine`. A source that fails offers
 * nothing.
 */
export async function completionLines(
  root: CommandLike,
  words: readonly string[],
  sources: ValueSources,
): Promise<string[]> {
  const wanted = completeWords(root, words);
  if (wanted.type === "words") return wanted.suggestions.map(lineOf);
  const source = wanted.choices.length > 0 ? async () => wanted.choices : sources[wanted.of];
  if (source === undefined) return [];
  if (typeof source === "string") return [source];
  const values = await source().catch(() => []);
  return values
    .filter((value) => value.startsWith(wanted.begun))
    .map((value) => lineOf({ word: wanted.before + value, meaning: "" }));
}

function lineOf({ word, meaning }: Suggestion): string {
  return `${word}\t${meaning.replace(/\s+/g, " ")}`;
}
