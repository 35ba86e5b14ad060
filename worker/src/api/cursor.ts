import { Problem } from "./problems.ts";

/** A place in a list as one opaque word. */
export function writeCursor(place: readonly string[]): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The parts of a place, as many as were written. Throws a `Problem` for what is none. */
export function readCursor(text: string): readonly [string, string] {
  try {
    const [first, second, ...rest] = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    if (typeof first === "string" && typeof second === "string" && rest.length === 0) return [first, second];
  } catch {}
  const message = "is no `next` of a page before";
  throw new Problem("invalid-request", {
    detail: `cursor: ${message}`,
    errors: [{ field: "cursor", message }],
  });
}
