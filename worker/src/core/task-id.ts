import { randomBytes } from "node:crypto";

/** What an id may look like: 1 to 128 characters. Spaces would break the list of ids on the settled channel. */
export const TASK_ID_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/;

/** Whether a caller's id may be used. */
export function isTaskId(id: unknown): id is string {
  return typeof id === "string" && TASK_ID_PATTERN.test(id);
}

const VARIANTS = ["8", "9", "a", "b"] as const;

/** Hex digits of one id that are random; two bits of them are fixed afterwards. */
const RANDOM_DIGITS = 19;
const POOL_BYTES = 4_864;
let pool = "";
let used = 0;

/** Fresh random digits; drawn from a pool, for one system call an id is what would cost most. */
function randomDigits(): string {
  if (used + RANDOM_DIGITS > pool.length) {
    pool = randomBytes(POOL_BYTES).toString("hex");
    used = 0;
  }
  used += RANDOM_DIGITS;
  return pool.slice(used - RANDOM_DIGITS, used);
}

/** A new UUIDv7: 48 bits of `nowMs`, then random bits, so that ids sort by time of birth. */
export function newTaskId(nowMs: number = Date.now()): string {
  const time = nowMs.toString(16).padStart(12, "0");
  const random = randomDigits();
  const variant = VARIANTS[Number.parseInt(random.charAt(3), 16) & 3];
  const [middle, end] = [random.slice(4, 7), random.slice(7)];
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${middle}-${end}`;
}
