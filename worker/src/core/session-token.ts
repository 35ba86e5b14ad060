/** Tokens of sessions. Redis and the log know a session by its tag, from which nobody gets the token back. */
import { createHash, randomBytes } from "node:crypto";

const TOKEN_BYTES = 32;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;
const TAG_DIGITS = 32;

export function newSessionToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** Names a connection among those that have held one session. */
export function newHolder(): string {
  return randomBytes(12).toString("hex");
}

export function isSessionToken(text: string): boolean {
  return TOKEN.test(text);
}

/** What a session is stored under: 128 bits of the token's SHA-256, in hex. */
export function sessionTag(token: string): string {
  return createHash("sha256").update(token).digest("hex").slice(0, TAG_DIGITS);
}

/** The id of the task that a session pushes as `ref`: the same for a push that is sent again, another's in no other session. */
export function sessionTaskId(tag: string, ref: string): string {
  return `s-${createHash("sha256").update(`${tag} ${ref}`).digest("base64url")}`;
}
