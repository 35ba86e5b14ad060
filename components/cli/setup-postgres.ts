import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PATHS } from "../paths.ts";
import { findPostgres } from "../platform/postgres-server.ts";
import { aptInstall, aptProblem } from "./apt.ts";
import { runCommand } from "./run-command.ts";
import type { SetupStep } from "./setup-step.ts";
import { versionProblem } from "./tool-version.ts";

/** Says that it was tried: an installation that fails is not tried again before every command. */
const TRIED = join(PATHS.setup, "postgresql-tried");
/** Debian's: whether the package makes a cluster, and starts it, as it is installed. */
const CLUSTER_CONFIG = "/etc/postgresql-common/createcluster.conf";
const NO_CLUSTER = "create_main_cluster = false";
const WAY_OUT =
  "install PostgreSQL 14 or newer (Debian: the package postgresql), or set recordRuns: false in the spec";
const DEMAND = { product: "PostgreSQL", minimum: "14.0", ask: ["--version"], wayOut: WAY_OUT };

/** Where the step looks and notes; a test has its own. */
export interface PostgresPlaces {
  readonly tried: string;
  readonly clusterConfig: string;
  readonly find: () => ReturnType<typeof findPostgres>;
}

/** Installs the server without a cluster of its own: a file that says so is there while that happens. */
async function installWithoutCluster(
  clusterConfig: string,
  environment: NodeJS.ProcessEnv,
  report: (detail: string) => void,
): Promise<string | undefined> {
  // An administrator's own says what shall be, and stays.
  const ours = !existsSync(clusterConfig);
  const asRoot = process.getuid?.() === 0 ? "" : "sudo ";
  const shell = (script: string) => runCommand(["sh", "-c", script], { env: environment });
  const folder = dirname(clusterConfig);
  if (ours)
    await shell(`${asRoot}mkdir -p ${folder} && echo '${NO_CLUSTER}' | ${asRoot}tee ${clusterConfig}`);
  const end = await aptInstall("postgresql", environment, report);
  if (ours && existsSync(clusterConfig) && readFileSync(clusterConfig, "utf8") === `${NO_CLUSTER}\n`)
    await shell(`${asRoot}rm -f ${clusterConfig}`);
  return end.code === 0 ? undefined : `apt-get install postgresql failed:\n${end.tail}`;
}

/** A PostgreSQL server's programs are there, for the record of stack `local`. All else works without them. */
export function postgresStep(
  environment: NodeJS.ProcessEnv,
  places: Partial<PostgresPlaces> = {},
): SetupStep {
  const { tried = TRIED, clusterConfig = CLUSTER_CONFIG } = places;
  const find = places.find ?? (() => findPostgres(environment.PATH ?? ""));
  const lost = (reason: string) => {
    mkdirSync(dirname(tried), { recursive: true });
    writeFileSync(tried, `${reason}\n`);
    return `not there, so runs cannot be recorded: ${reason.split("\n")[0]} (see ${tried}); ${WAY_OUT}`;
  };
  return {
    name: "PostgreSQL",
    check: () => find() !== undefined || existsSync(tried),
    async run(report) {
      const problem =
        aptProblem(environment) ?? (await installWithoutCluster(clusterConfig, environment, report));
      if (problem !== undefined) return lost(problem);
      const found = find();
      if (found === undefined) return lost("the package postgresql brought no server");
      const unfit = versionProblem(found.initdb, DEMAND, environment);
      if (unfit !== undefined) return lost(unfit.message);
      rmSync(tried, { force: true });
      return "done";
    },
  };
}
