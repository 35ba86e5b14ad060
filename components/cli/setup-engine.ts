import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { engineDirectory, engineVersion, PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";
import { userPulumi } from "./environment.ts";
import { goProblem } from "./go-toolchain.ts";
import { runCommand } from "./run-command.ts";
import { pluginsCurrent, writePlugins } from "./setup-engine-plugins.ts";
import { holdLock } from "./setup-lock.ts";
import type { SetupStep } from "./setup-step.ts";
import { versionProblem } from "./tool-version.ts";

const PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const WAY_OUT =
  "install Go 1.26 or newer (https://go.dev/dl) so that the engine can be built, or Pulumi itself (https://www.pulumi.com/docs/install), then run this again";

/** For a user's own: older ones are not tried with `Pulumi.yaml`'s plugin path, stackConfigDir and refresh. */
const DEMAND = {
  product: "Pulumi",
  minimum: "3.200.0",
  ask: ["version"],
  wayOut:
    "update it (https://www.pulumi.com/docs/install), or take it off PATH and the engine is built instead, then run this again",
};

/** Downloads the modules and answers how many packages the engine is made of. */
async function countPackages(
  environment: NodeJS.ProcessEnv,
  report: (detail: string) => void,
): Promise<number> {
  let modules = 0;
  let packages = 0;
  const { code, tail } = await runCommand(["go", "list", "-mod=readonly", "-deps", PACKAGE], {
    cwd: PATHS.engineModule,
    env: environment,
    onLine: (line) => {
      if (line.startsWith("go: downloading ")) report(`${++modules} Go modules downloaded`);
      else packages++;
    },
  });
  if (code !== 0) throw new CommandError(`the engine's Go modules cannot be had:\n${tail}`, EXIT.failed);
  return packages;
}

async function build(environment: NodeJS.ProcessEnv, report: (detail: string) => void): Promise<void> {
  const problem = await goProblem(PATHS.engineModule, environment);
  if (problem !== undefined)
    throw new CommandError(`no pulumi on PATH, and ${problem}: ${WAY_OUT}`, EXIT.failed);
  const total = await countPackages(environment, report);
  const directory = engineDirectory();
  const fresh = join(directory, `.pulumi-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  let compiled = 0;
  const flags = ["-v", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", fresh];
  try {
    const { code, tail } = await runCommand(["go", "build", ...flags, PACKAGE], {
      cwd: PATHS.engineModule,
      env: environment,
      onLine: (line) => {
        // `-v` names each package as it is compiled; other lines have spaces.
        if (!line.includes(" ")) report(`${++compiled} of ${total} packages compiled`);
      },
    });
    if (code !== 0) throw new CommandError(`the engine's build failed:\n${tail}`, EXIT.failed);
    renameSync(fresh, join(directory, "pulumi"));
  } finally {
    rmSync(fresh, { force: true });
  }
}

/**
 * A Pulumi engine is there: the user's own on PATH, or one that is built once per user from the Go module in
 * `tools/pulumi`, with the Node.js language host and the dynamic provider's wrapper beside it.
 */
export function engineStep(environment: NodeJS.ProcessEnv): SetupStep {
  const theirs = userPulumi(environment);
  const quiet = { ...environment, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const built = () => existsSync(join(engineDirectory(), "pulumi"));
  return {
    name: `Pulumi engine ${engineVersion()}`,
    check: () =>
      theirs === undefined
        ? built() && pluginsCurrent()
        : versionProblem(theirs, DEMAND, quiet) === undefined,
    async run(report) {
      const error = theirs === undefined ? undefined : versionProblem(theirs, DEMAND, quiet);
      if (error !== undefined) throw error;
      await using _lock = await holdLock("engine", () => report("waiting for another set-up that builds it"));
      if (!built()) {
        report("building it from source, once per user: 4 to 8 minutes on 2 cores");
        await build(environment, report);
      }
      writePlugins();
    },
  };
}
