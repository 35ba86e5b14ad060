import { join } from "node:path";
import type { Environment } from "../../spec/to-environment.ts";
import type { LocalContext } from "./document.ts";

/** Readable by this user only. */
export const PRIVATE = "0600";

/** Holds the queue's password. */
export const redisPasswordFile = ({ paths }: LocalContext) => join(paths.secrets, "redis-password");

/** `KEY=VALUE` lines; no value of a setting spans lines. */
export function envFile(variables: Environment): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
