import { findOnPath } from "../find-on-path.ts";
import { type CommandEnd, runCommand } from "./run-command.ts";

/** Why packages of Debian cannot be installed here, in words, or `undefined` when they can. */
export function aptProblem(environment: NodeJS.ProcessEnv): string | undefined {
  const path = environment.PATH ?? "";
  if (findOnPath("apt-get", path) === undefined) return "no apt-get";
  const mayInstall = process.getuid?.() === 0 || findOnPath("sudo", path) !== undefined;
  return mayInstall ? undefined : "no root or sudo";
}

/** `apt-get` with these words, by sudo for other users than root. */
function aptGet(...words: readonly string[]): readonly [string, ...string[]] {
  const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", ...words] as const;
  return process.getuid?.() === 0 ? [...command] : ["sudo", ...command];
}

/** Installs one package, with a second try after an update of the lists. `report`: what is being done. */
export async function aptInstall(
  name: string,
  environment: NodeJS.ProcessEnv,
  report: (detail: string) => void,
): Promise<CommandEnd> {
  report(`apt-get install ${name}`);
  const command = aptGet("install", "--no-install-recommends", name);
  const end = await runCommand(command, { env: environment });
  if (end.code === 0) return end;
  report("apt-get update");
  await runCommand(aptGet("update"), { env: environment });
  return runCommand(command, { env: environment });
}
