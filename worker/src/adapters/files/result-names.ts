/** Names of results' files: `<queue>/<time>/<task id>~<entry>~<writer>.json`. Pure. */
import { createHash } from "node:crypto";
import type { Priority } from "../../../contract/priorities.ts";
import type { EntryPlace } from "../../core/task.ts";

/** Files of so many ms share a folder, which goes as a whole when the results of all of them have expired. */
export const SLOT_MS = 600_000;

const LONGEST_PART = 150;
const LETTERS = { high: "h", normal: "n", low: "l" } as const satisfies Record<Priority, string>;
/** What every file system takes; the rest is written as `%` and hexadecimal digits. */
const UNSAFE = /[^A-Za-z0-9._-]/g;
const SLOT = /^(\d{4}-\d\d-\d\dT\d\d)(\d\d)$/;
const FILE = /^([A-Za-z0-9._%-]+)~([hnl])(\d+-\d+)~[0-9a-f]{16}\.json$/;
const REFERENCE = /^[A-Za-z0-9._%-]+\/\d{4}-\d\d-\d\dT\d{4}\/[A-Za-z0-9._%~-]+\.json$/;
/** Ends the name of a file that is being written. */
export const DRAFT = ".tmp";

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A part of a path; one that would be too long ends with `%%` and its digest. */
function safe(text: string): string {
  const written = text.replace(UNSAFE, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  const short = written.length <= LONGEST_PART;
  const whole = short ? written : `${written.slice(0, LONGEST_PART - 66)}%%${digest(text)}`;
  return /^\.*$/.test(whole) ? `%%${digest(text)}` : whole;
}

/** The folder of a queue. */
export const queueFolder = (queue: string): string => safe(queue);

/** The folder of a moment, by UTC: `2026-11-28T1340`. */
export function slotFolder(ms: number): string {
  const start = new Date(Math.floor(ms / SLOT_MS) * SLOT_MS).toISOString();
  return start.slice(0, 13) + start.slice(14, 16);
}

/** When the last file of a moment's folder was written at the latest; `undefined` for another folder. */
export function slotEnd(folder: string): number | undefined {
  const [, hour, minute] = SLOT.exec(folder) ?? [];
  const start = hour === undefined ? Number.NaN : Date.parse(`${hour}:${minute}:00Z`);
  return Number.isNaN(start) ? undefined : start + SLOT_MS;
}

/**
 * The name of a result's file. The entry makes it this attempt's alone; the writer, for a Redis that lost its last
 * second hands an entry out twice.
 */
export function resultFileName(id: string, place: EntryPlace, workerId: string): string {
  return `${safe(id)}~${LETTERS[place.priority]}${place.entryId}~${digest(workerId).slice(0, 16)}.json`;
}

export interface NamedResult {
  /** `null`: it is too long for a name, and stands in the file. */
  readonly id: string | null;
  readonly priority: Priority;
  readonly entryId: string;
}

/** Reads such a name; `undefined` for another file. */
export function parseResultFileName(name: string): NamedResult | undefined {
  const [, written, letter, entryId] = FILE.exec(name) ?? [];
  if (written === undefined || entryId === undefined) return undefined;
  const priority = (Object.keys(LETTERS) as Priority[]).find((each) => LETTERS[each] === letter);
  if (priority === undefined) return undefined;
  if (written.includes("%%")) return { id: null, priority, entryId };
  try {
    return { id: decodeURIComponent(written), priority, entryId };
  } catch {
    return undefined;
  }
}

/** Whether a reference names a file of results and nothing outside their folder: anybody may have written it. */
export function isReference(file: string): boolean {
  return REFERENCE.test(file) && !file.split("/").some((part) => /^\.+$/.test(part));
}
