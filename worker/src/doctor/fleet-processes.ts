import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { readRedisUrl } from "../../contract/redis-url.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { redisAddress } from "../adapters/redis/connection.ts";
import type { FleetProcess } from "./facts.ts";

const ROLES: Readonly<Record<string, FleetProcess["role"]>> = {
  worker: "worker",
  supervise: "supervisor",
  spawner: "spawner",
  api: "api",
};
/** The image's entry point, and the source's. */
const ENTRY = /^main\.(mjs|ts)$/;

/** Which fleet is meant. */
export interface FleetAddress {
  readonly redisUrl: string;
  readonly stream: string;
}

/**
 * This machine's processes of one fleet, as `/proc` tells; none where there is no `/proc`. Processes whose
 * environment this user may not read are left out.
 */
export function fleetProcesses(fleet: FleetAddress, proc = "/proc"): FleetProcess[] {
  return pidsIn(proc).flatMap((pid) => {
    try {
      const words = readFileSync(`${proc}/${pid}/cmdline`, "utf8").split("\0");
      const role = roleOf(words);
      if (role === undefined) return [];
      const environment = parseEnviron(readFileSync(`${proc}/${pid}/environ`, "utf8"));
      return belongsTo(fleet, environment) ? [{ pid, role, environment }] : [];
    } catch (error) {
      // It ended meanwhile, or is another user's.
      if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? ""))
        return [];
      throw error;
    }
  });
}

function pidsIn(proc: string): number[] {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** The role that a command line starts, by the word behind the entry point. */
export function roleOf(words: readonly string[]): FleetProcess["role"] | undefined {
  const entry = words.findIndex((word) => ENTRY.test(basename(word)));
  return entry === -1 ? undefined : ROLES[words[entry + 1] ?? ""];
}

function parseEnviron(text: string): Record<string, string> {
  const entries = text.split("\0").filter((line) => line.includes("="));
  return Object.fromEntries(
    entries.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function belongsTo(
  { redisUrl, stream }: FleetAddress,
  environment: Readonly<Record<string, string>>,
): boolean {
  const url = environment[SETTINGS.redisUrl.env] || SETTINGS.redisUrl.default;
  const streams = environment[SETTINGS.streams.env]?.split(",") ?? SETTINGS.streams.default;
  if ("problem" in readRedisUrl(url) || !streams.some((name) => name.trim() === stream)) return false;
  return redisAddress(url) === redisAddress(redisUrl);
}
