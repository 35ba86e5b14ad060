/**
 * Groups failures by cause: the same error with other numbers, ids, names, places and times has the same
 * fingerprint. Words, statuses and codes tell causes apart.
 */
import { createHash } from "node:crypto";
import type { DeadLetter } from "../../contract/records.ts";

export interface Failure {
  readonly kind: string;
  readonly reason: string;
  readonly message: string;
}

/** What a fingerprint looks like. */
export const FINGERPRINT_PATTERN = /^[0-9a-f]{8}$/;

/** Of a longer message only the beginning counts. */
const MOST_READ = 4_096;
const MOST_KEPT = 400;
/** A shorter name might be a common word. */
const SHORTEST_NAME = 6;

const UNIT = "(?:ns|µs|us|ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)";
const MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const NUMBER = String.raw`\d+(?:[.,]\d+)*`;
const AT_WORD = "(?<![A-Za-z0-9])";
const WORD_ENDS = "(?![A-Za-z0-9])";
const NO_SPACE = String.raw`[^\s"'\x60<>()\[\]{},;|]`;

/**
 * What stands for each pattern; `null` keeps the match, which hides it from the patterns below. At one place the
 * first that fits wins. Each is anchored, so that a long message costs no more than its length.
 */
// biome-ignore format: one pattern a line reads as a table
const PATTERNS: readonly (readonly [placeholder: string | null, source: string])[] = [
  [null, String.raw`\b(?i:status|code|errno|signal|sqlstate|http(?:/\d(?:\.\d)?)?)(?i: code)?(?:\s?[:=]\s?|\s)[A-Z0-9]{1,5}\b`],
  [null, String.raw`${AT_WORD}[A-Z]{1,6}\d{3,5}${WORD_ENDS}`],
  ["text", String.raw`"(?:[^"\\\n]|\\.)*"|\x60[^\x60\n]*\x60|(?<!\w)'[^'\n]*'(?!\w)`],
  ["url", String.raw`(?<![\w+.-])(?i:[a-z][a-z0-9+.-]*)://${NO_SPACE}+`],
  ["address", String.raw`(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+`],
  ["time", String.raw`(?<!\w)\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?)?(?!\w)`],
  ["time", String.raw`(?:\b[A-Z][a-z]{2},? )?\b(?:${MONTH} +\d{1,2}|\d{1,2} ${MONTH}(?: \d{4})?),? \d\d:\d\d:\d\d(?: GMT| UTC)?`],
  ["time", String.raw`(?<![\w:])\d\d:\d\d:\d\d(?:[.,]\d+)?(?!\w|:\d)`],
  ["address", String.raw`\[(?i:[0-9a-f:.]*:[0-9a-f:.]*)\](?::\d+)?`],
  ["address", String.raw`(?<![\w:])(?=\S*\d)(?i:[0-9a-f]{0,4}(?::[0-9a-f]{0,4})*::[0-9a-f:.]*|(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4})(?![\w:])`],
  ["address", String.raw`(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\w.]\d)`],
  ["path", String.raw`(?<![\w.~/<-])(?:[A-Za-z]:\\|\\\\|~?/|\.{1,2}/)${NO_SPACE}+?(?=[:.]*(?:$|\s)|:\d|["'\x60<>()\[\]{},;|])`],
  ["path", String.raw`(?<![\w./-])[\w.-]+(?:/[\w.-]+)*/[\w-]+(?:\.[A-Za-z]\w{0,4})+(?!\w)`],
  ["address", String.raw`(?<![\w.-])(?:localhost|[\w-]+(?:\.[\w-]+)+):\d+`],
  ["n", String.raw`${AT_WORD}(?i:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|(?=\d*[a-f])[0-9a-f]{8,})${WORD_ENDS}`],
  ["n", `${AT_WORD}[0-7][0-9A-HJKMNP-TV-Z]{25}${WORD_ENDS}`],
  ["duration", String.raw`(?<![\w.])(?:${NUMBER}\s?${UNIT}(?!\w)|(?:\d+(?:\.\d+)?${UNIT})+(?!\w))(?:\s\d+(?:\.\d+)?\s?${UNIT}(?!\w))*`],
  ["size", String.raw`(?<![\w.])${NUMBER}\s?(?:[KMGTkmg]i?[Bb]|B|(?i:[kmg]?i?bytes?))(?!\w)`],
  ["n", String.raw`${AT_WORD}(?=[a-z]*\d[a-z0-9]*[a-z])[a-z0-9]{5,}${WORD_ENDS}`],
  ["n", String.raw`${AT_WORD}(?=(?:[A-Za-z]*\d){3})[A-Za-z0-9]{10,}${WORD_ENDS}`],
  ["n", String.raw`(?:(?<![\w)\]])[+-])?${NUMBER}(?:[eE][+-]?\d+)?(?:%|(?:st|nd|rd|th)\b)?`],
];
const VOLATILE = new RegExp(PATTERNS.map(([, source]) => `(${source})`).join("|"), "g");
const PLACEHOLDERS = PATTERNS.map(([placeholder]) => placeholder);

function replace(match: string, ...groups: readonly unknown[]): string {
  const placeholder = PLACEHOLDERS[groups.findIndex((group) => group !== undefined)];
  return typeof placeholder === "string" ? `<${placeholder}>` : match;
}

/**
 * A message on one line, at most 400 characters, with a placeholder such as `<n>` or `<path>` for what differs from
 * task to task. `names`: what the task itself is called (its id, its worker's); they are taken out literally.
 */
export function normaliseMessage(message: string, names: readonly string[] = []): string {
  let text = message.slice(0, MOST_READ);
  for (const name of names) if (name.length >= SHORTEST_NAME) text = text.replaceAll(name, "<id>");
  return text
    .replace(VOLATILE, replace)
    .replace(/\s+/g, " ")
    .replace(/(<[a-z]+>)(?:,? \1)+/g, "$1")
    .replace(/(<n>|<size>) ([a-z]{2,}?)s\b/g, "$1 $2")
    .trim()
    .slice(0, MOST_KEPT);
}

/** Eight hex digits, the same for failures of one kind, reason and cause. */
export function errorFingerprint({ kind, reason, message }: Failure, names: readonly string[] = []): string {
  const cause = JSON.stringify([kind, reason, normaliseMessage(message, names)]);
  return createHash("sha256").update(cause).digest("hex").slice(0, 8);
}

/** What killed a dead letter: its last error. One that came without any has its own message. */
export function failureOf({ kind, errors, message }: DeadLetter): Failure {
  const last = errors.at(-1);
  return { kind, reason: last?.reason ?? "", message: last?.message ?? message };
}

/** The fingerprint of a dead letter's last error. */
export function letterFingerprint(letter: DeadLetter): string {
  const names = [letter.id, letter.errors.at(-1)?.worker_id ?? ""];
  return errorFingerprint(failureOf(letter), names);
}
