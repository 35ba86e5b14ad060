import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { COMPOSE_MINIMUM, isOlder } from "../hosts/compose/compose-tool.ts";
import { composeBinary, composeVersion, PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";
import { goProblem } from "./go-toolchain.ts";
import { runCommand } from "./run-command.ts";
import { holdLock } from "./setup-lock.ts";
import type { SetupStep } from "./setup-step.ts";

const MODULE = "github.com/docker/compose/v5";
const WAY_OUT =
  `install Docker Compose ${COMPOSE_MINIMUM} or newer (https://docs.docker.com/compose/install), or Go 1.26 or newer ` +
  "(https://go.dev/dl) so that it can be built, then run this again";

/** Whether the user's own Compose serves, as a plugin of Docker's command line or by itself. */
function hasOwn(environment: NodeJS.ProcessEnv): boolean {
  return [["docker", "compose"], ["docker-compose"]].some(([file = "", ...words]) => {
    const { status, stdout } = spawnSync(file, [...words, "version", "--short"], {
      env: environment,
      encoding: "utf8",
    });
    return status === 0 && !isOlder(stdout, COMPOSE_MINIMUM);
  });
}

/** Builds `file` in one step, so that a half-written one is never found. */
async function build(
  file: string,
  environment: NodeJS.ProcessEnv,
  report: (detail: string) => void,
): Promise<void> {
  const fresh = join(dirname(file), `.docker-compose-${process.pid}`);
  mkdirSync(dirname(file), { recursive: true });
  const version = `-X ${MODULE}/internal.Version=${composeVersion()}`;
  const flags = ["-v", "-mod=readonly", "-trimpath", `-ldflags=-s -w ${version}`, "-o", fresh];
  let compiled = 0;
  try {
    const { code, tail } = await runCommand(["go", "build", ...flags, `${MODULE}/cmd`], {
      cwd: PATHS.composeModule,
      env: { ...environment, CGO_ENABLED: "0" },
      onLine: (line) => {
        // `-v` names each package as it is compiled; other lines have spaces.
        if (!line.includes(" ")) report(`${++compiled} packages compiled`);
      },
    });
    if (code !== 0)
      throw new CommandError(`Docker Compose's build failed (${WAY_OUT}):\n${tail}`, EXIT.failed);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/**
 * Docker Compose is there: the user's own, or one that is built once per user from the Go module in `tools/compose`. Only
 * what brings up a Compose project on this machine needs it.
 */
export function composeStep(environment: NodeJS.ProcessEnv): SetupStep {
  const built = () => existsSync(composeBinary());
  return {
    name: `Docker Compose ${composeVersion()}`,
    check: () => built() || hasOwn(environment),
    async run(report) {
      const problem = await goProblem(PATHS.composeModule, environment);
      if (problem !== undefined)
        throw new CommandError(`there is no Docker Compose, and ${problem}: ${WAY_OUT}`, EXIT.failed);
      await using _lock = await holdLock("compose", () =>
        report("waiting for another set-up that builds it"),
      );
      if (built()) return;
      report("building it from source, once per user: about 3 minutes on 2 cores");
      await build(composeBinary(), environment, report);
    },
  };
}
