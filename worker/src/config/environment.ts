import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { SettingsError } from "./settings-error.ts";

/** Variables by name; an empty value counts as not set. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** The variables of `.env` in this folder; none when there is no such file. */
export function readDotEnv(folder: string): Variables {
  const path = join(folder, ".env");
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return {};
    throw new SettingsError([
      {
        variable: ".env",
        received: `unreadable (${code ?? String(error)})`,
        allowed: "a file that this user may read",
        wayOut: `Change the rights of ${path} or remove it.`,
      },
    ]);
  }
}

/** A variable's value: the environment's, else the `.env` file's, else `undefined`. */
export function lookUp(name: string, environment: Variables, dotEnv: Variables): string | undefined {
  return environment[name] || dotEnv[name] || undefined;
}
