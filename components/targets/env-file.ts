import type { Environment } from "../spec/to-environment.ts";

/** Mode of what only this user may read. */
export const PRIVATE = "0600";

/** `KEY=VALUE` lines; no value of a setting spans lines. */
export function envFile(variables: Environment): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
