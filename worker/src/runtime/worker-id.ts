import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** A new worker's id: unique per process start, as the queue's fence demands. */
export function newWorkerId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .slice(0, 64);
  return `${host}-${randomBytes(5).toString("hex")}`;
}
