/** The sandbox's helper binary: built from `worker/sandbox` once per user, kept by the hash of its sources. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "./paths.ts";

const isSource = (name: string) => /^go\.(mod|sum)$|(?<!_test)\.go$/.test(name);

/** Where the helper of these sources and this machine's architecture stands, built or not. */
export function sandboxHelperFile(): string {
  const hash = createHash("sha256").update(process.arch);
  for (const name of readdirSync(PATHS.sandboxModule).filter(isSource).sort())
    hash.update(`\0${name}\0`).update(readFileSync(join(PATHS.sandboxModule, name)));
  return join(PATHS.sandboxHelpers, hash.digest("hex").slice(0, 32), "taskfleet-sandbox");
}

/** The built helper; empty when the set-up could not build it. */
export function sandboxHelper(): string {
  const file = sandboxHelperFile();
  return existsSync(file) ? file : "";
}
