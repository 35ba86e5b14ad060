import { spawnSync } from "node:child_process";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { CommandError } from "./command-error.ts";

/** What a tool on PATH has to be. */
export interface ToolDemand {
  /** The product's name, for people. */
  readonly product: string;
  /** Oldest version that serves, such as `7.0.0`. */
  readonly minimum: string;
  /** Words that make the tool print its version. */
  readonly ask: readonly string[];
  readonly wayOut: string;
}

function isAtLeast(version: string, minimum: string): boolean {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}

/** Why the tool at `file` does not serve, with the way out, or `undefined` when it does. */
export function versionProblem(file: string, demand: ToolDemand, environment: NodeJS.ProcessEnv) {
  const { stdout } = spawnSync(file, demand.ask, { encoding: "utf8", env: environment });
  const version = /\d+\.\d+(?:\.\d+)?/.exec(stdout ?? "")?.[0];
  if (version !== undefined && isAtLeast(version, demand.minimum)) return undefined;
  const is = version === undefined ? "does not tell its version" : `is version ${version}`;
  const need = `${demand.product} ${demand.minimum} or newer is needed`;
  return new CommandError(`${file} ${is}, but ${need}: ${demand.wayOut}`, EXIT.failed);
}
