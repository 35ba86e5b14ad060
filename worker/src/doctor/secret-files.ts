import { statSync } from "node:fs";
import { resolve } from "node:path";
import { SETTINGS, type Setting } from "../../contract/settings.ts";
import type { Variables } from "../config/environment.ts";
import type { SecretFile } from "./facts.ts";

const VARIABLES = (Object.values(SETTINGS) as readonly Setting[])
  .filter(({ type }) => type === "secret")
  .map(({ env }) => `${env}_FILE`);

/** Files of secrets that these environments name, each once; descriptors (`/dev/fd/3`) are no files. */
export function secretFiles(environments: readonly Variables[]): SecretFile[] {
  const files = new Map<string, SecretFile>();
  for (const environment of environments)
    for (const variable of VARIABLES) {
      const named = environment[variable] ?? "";
      if (named === "" || named.startsWith("/dev/fd/")) continue;
      const path = resolve(named);
      files.set(path, { variable, path, mode: modeOf(path) });
    }
  return [...files.values()];
}

function modeOf(path: string): number | null {
  try {
    return statSync(path).mode & 0o7777;
  } catch {
    return null;
  }
}
