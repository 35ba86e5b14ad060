import { randomBytes } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { findOnPath } from "../find-on-path.ts";
import { PATHS, stackPaths } from "../paths.ts";
import { CommandError } from "./command-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's own Pulumi on PATH, or `undefined` where the launcher's engine serves. */
export function userPulumi(environment: Environment): string | undefined {
  return findOnPath("pulumi", environment.PATH ?? "", [PATHS.bin, PATHS.engines]);
}

/** `path` with the launcher's executables first, once. */
export function pathWithBin(path: string): string {
  const others = path.split(delimiter).filter((folder) => folder !== "" && folder !== PATHS.bin);
  return [PATHS.bin, ...others].join(delimiter);
}

/** Whole or not there: a passphrase cut short by a full disk would lock stacks that are made with it. */
function createPassphrase(): void {
  mkdirSync(PATHS.state, { recursive: true });
  const fresh = `${PATHS.passphrase}.${process.pid}`;
  try {
    writeFileSync(fresh, randomBytes(32).toString("base64url"), { mode: 0o600 });
    linkSync(fresh, PATHS.passphrase);
  } catch (error) {
    // Two commands at once may both find none: the first one's stays.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

function passphraseFile(): string {
  if (!existsSync(PATHS.passphrase)) createPassphrase();
  if (statSync(PATHS.passphrase).size === 0)
    throw new CommandError(
      `${PATHS.passphrase} is empty: remove it if no stack is up yet, else restore it`,
      EXIT.failed,
    );
  return PATHS.passphrase;
}

/**
 * The variables that `pulumi` needs, to be merged over `environment`: PATH, TASKFLEET_ROOT, the local file
 * back end and its passphrase where the user chose none, and what keeps our own engine from the network.
 * Creates the passphrase file (0600) and the back end's folder when they are missing.
 */
export function engineEnvironment(environment: Environment): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {
    PATH: pathWithBin(environment.PATH ?? ""),
    TASKFLEET_ROOT: PATHS.root,
  };
  // The engine runs the stack's program in another folder.
  if (environment.TASKFLEET_HOME) variables.TASKFLEET_HOME = PATHS.state;
  if (!environment.PULUMI_BACKEND_URL) {
    mkdirSync(PATHS.pulumiBackend, { recursive: true, mode: 0o700 });
    variables.PULUMI_BACKEND_URL = `file://${PATHS.pulumiBackend}`;
  }
  if (
    environment.PULUMI_CONFIG_PASSPHRASE === undefined &&
    environment.PULUMI_CONFIG_PASSPHRASE_FILE === undefined
  )
    variables.PULUMI_CONFIG_PASSPHRASE_FILE = passphraseFile();
  if (userPulumi(environment) === undefined) {
    variables.PULUMI_SKIP_UPDATE_CHECK = "true";
    variables.PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION = "true";
  }
  return variables;
}

/** Variables of a file that a stack wrote; none where there is no such file. */
function readVariables(file: string): Readonly<Record<string, string>> {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  // Written by us, a line each, and never quoted: a value may hold " # ".
  return Object.fromEntries(
    lines.flatMap((line) => {
      const end = line.indexOf("=");
      return end > 0 ? [[line.slice(0, end), line.slice(end + 1)]] : [];
    }),
  );
}

/**
 * The client variables of a stack's queue, record and API (`REDIS_URL`, `PGHOST`, ...), or `undefined` while the stack
 * is not up. Secrets stand as files (`<NAME>_FILE`).
 */
export function stackEnvironment(stack: string): Readonly<Record<string, string>> | undefined {
  const { clientEnv, databaseEnv, apiEnv } = stackPaths(stack);
  if (!existsSync(clientEnv)) return undefined;
  return { ...readVariables(clientEnv), ...readVariables(databaseEnv), ...readVariables(apiEnv) };
}

/** The two ways to name a secret must not both be set; a URL wins over its parts, and parts of another are misleading. */
function isReplaced(name: string, client: Readonly<Record<string, string>>): boolean {
  const { databaseUrl, pgHost, pgPort, pgUser, pgDatabase, pgPassword } = SETTINGS;
  const urls = [databaseUrl.env, `${databaseUrl.env}_FILE`];
  const parts: readonly string[] = [pgHost, pgPort, pgUser, pgDatabase, pgPassword].map(({ env }) => env);
  const isOutside = `${databaseUrl.env}_FILE` in client;
  return (
    `${name}_FILE` in client ||
    (pgHost.env in client && urls.includes(name)) ||
    (isOutside && parts.includes(name))
  );
}

/** `environment` with a stack's client variables in the place of whatever it says of another queue or record. */
export function withStack(
  environment: Environment,
  client: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string | undefined>> {
  const others = Object.entries(environment).filter(([name]) => !isReplaced(name, client));
  return { ...Object.fromEntries(others), ...client };
}
