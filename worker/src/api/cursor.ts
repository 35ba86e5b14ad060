import { wrongField } from "./problems.ts";

/** A place in a list as one opaque word: a time in digits, and the id of what is there. */
export function writeCursor(time: string, id: string): string {
  return Buffer.from(JSON.stringify([time, id])).toString("base64url");
}

/** The parts of a place. Throws a `Problem` for what is none. */
export function readCursor(text: string): readonly [time: string, id: string] {
  try {
    const [time, id, ...rest] = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    if (typeof time === "string" && /^\d{1,18}$/.test(time) && typeof id === "string" && rest.length === 0)
      return [time, id];
  } catch {
    // it is no JSON, or no list
  }
  throw wrongField("cursor", "is no `next` of a page before");
}
