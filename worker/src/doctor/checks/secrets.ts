import { passwordsIn } from "../../../contract/redis-url.ts";
import { SETTINGS, type Setting } from "../../../contract/settings.ts";
import { type Check, failed, ok, skipped } from "../check.ts";
import type { FleetProcess, SecretFile } from "../facts.ts";

const SECRETS = (Object.values(SETTINGS) as readonly Setting[])
  .filter(({ type }) => type === "secret")
  .map(({ env }) => env);
/** Anything that others than the owner may do. */
const OF_OTHERS = 0o077;

/** No live process has a secret in its environment as plain text, and files that hold one are their owner's alone. */
export const secretsStored: Check = {
  id: "secrets",
  title: "Secrets in secure storage",
  source: "production checklist",
  run: ({ processes, secretFiles }) => {
    const faults = [...processes.flatMap(plainSecrets), ...secretFiles.flatMap(openFile)];
    if (faults.length > 0)
      return failed(
        faults.join("; "),
        "put the value in a file of mode 0600 and name it by the variable with _FILE",
      );
    if (processes.length === 0 && secretFiles.length === 0)
      return skipped("no process of this fleet runs here under a user whose environment can be read");
    return ok(
      `${processes.length} processes without plain secrets, ${secretFiles.length} files of their owner's alone`,
    );
  },
};

function plainSecrets({ pid, role, environment }: FleetProcess): string[] {
  const plain = SECRETS.filter((name) => (environment[name] ?? "") !== "");
  const url = environment[SETTINGS.redisUrl.env] ?? "";
  if (passwordsIn(url).length > 0) plain.push(SETTINGS.redisUrl.env);
  return plain.length === 0 ? [] : [`${role} ${pid} has ${plain.join(", ")} as plain text`];
}

function openFile({ variable, path, mode }: SecretFile): string[] {
  if (mode === null) return [`${variable}: ${path} cannot be looked at`];
  if ((mode & OF_OTHERS) === 0) return [];
  return [`${variable}: ${path} has mode ${(mode & 0o777).toString(8).padStart(4, "0")}`];
}
