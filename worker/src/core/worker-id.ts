import { randomBytes } from "node:crypto";

const LONGEST_HOST = 64;

/** A worker's name, unique per process start, as the queue's fence demands: the host's name and a random part. */
export function newWorkerId(host: string): string {
  const readable = host.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, LONGEST_HOST);
  return `${readable}-${randomBytes(5).toString("hex")}`;
}
