import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { findRedisServer } from "../platform/redis-server.ts";
import { aptInstall, aptProblem } from "./apt.ts";
import { CommandError } from "./command-error.ts";
import type { SetupStep } from "./setup-step.ts";
import { versionProblem } from "./tool-version.ts";

const WAY_OUT = "install Redis 7 or newer so that redis-server is on PATH, then run this again";

/** The queue's scripts have flags in their first line, which older ones do not know. */
const DEMAND = { product: "Redis", minimum: "7.0.0", ask: ["--version"], wayOut: WAY_OUT };

async function install(environment: NodeJS.ProcessEnv, report: (detail: string) => void): Promise<void> {
  const problem = aptProblem(environment);
  if (problem !== undefined)
    throw new CommandError(`no redis-server on PATH, and ${problem} to install it: ${WAY_OUT}`, EXIT.failed);
  // Not the package redis-server: it would start a server without a password.
  const end = await aptInstall("redis-tools", environment, report);
  if (end.code !== 0)
    throw new CommandError(`apt-get install redis-tools failed (${WAY_OUT}):\n${end.tail}`, EXIT.failed);
}

/** The Redis server's binary is there: the user's own, or Debian's from the package redis-tools. */
export function redisStep(environment: NodeJS.ProcessEnv): SetupStep {
  const find = () => findRedisServer(environment.PATH ?? "", [PATHS.bin]);
  const problem = (file: string) => versionProblem(file, DEMAND, environment);
  return {
    name: "Redis",
    check() {
      const file = find();
      return file !== undefined && problem(file) === undefined;
    },
    async run(report) {
      if (find() === undefined) await install(environment, report);
      const file = find();
      if (file === undefined)
        throw new CommandError(`the package redis-tools brought no server's binary: ${WAY_OUT}`, EXIT.failed);
      const error = problem(file);
      if (error !== undefined) throw error;
    },
  };
}
