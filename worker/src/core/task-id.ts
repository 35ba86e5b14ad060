import { randomBytes } from "node:crypto";

/** What an id may look like: 1 to 128 characters. Spaces would break the list of ids on the settled channel. */
export const TASK_ID_PATTERN = /^[A-Za-z0-9._:-]{1,128}$/;

/** Whether a caller's id may be used. */
export function isTaskId(id: unknown): id is string {
  return typeof id === "string" && TASK_ID_PATTERN.test(id);
}

const POOL_IDS = 256;
let pool = randomBytes(0);
let used = 0;

/** Ten fresh random bytes; drawn from a pool, for one system call an id is what would cost most. */
function randomTail(): Buffer {
  if (used + 10 > pool.length) {
    pool = randomBytes(10 * POOL_IDS);
    used = 0;
  }
  used += 10;
  return pool.subarray(used - 10, used);
}

/** A new UUIDv7: 48 bits of `nowMs`, then random bits, so that ids sort by time of birth. */
export function newTaskId(nowMs: number = Date.now()): string {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  randomTail().copy(bytes, 6);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
