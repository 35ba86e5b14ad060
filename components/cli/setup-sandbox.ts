import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { sandboxHelperFile } from "../sandbox-helper.ts";
import { CommandError } from "./command-error.ts";
import { goProblem } from "./go-toolchain.ts";
import { runCommand } from "./run-command.ts";
import { holdLock } from "./setup-lock.ts";
import type { SetupStep } from "./setup-step.ts";

/** Builds `file` in one step, so that a half-written one is never found. */
async function build(file: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const fresh = join(dirname(file), `.helper-${process.pid}`);
  mkdirSync(dirname(file), { recursive: true });
  const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", fresh];
  try {
    const { code, tail } = await runCommand(["go", "build", ...flags, "."], {
      cwd: PATHS.sandboxModule,
      env: { ...environment, CGO_ENABLED: "0" },
    });
    if (code !== 0) throw new CommandError(`the sandbox's build failed:\n${tail}`, EXIT.failed);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/**
 * The sandbox's helper is there, built from `worker/sandbox`. Without Go everything else works: the step says
 * that untrusted programs will be refused.
 */
export function sandboxStep(environment: NodeJS.ProcessEnv): SetupStep {
  const built = () => process.platform !== "linux" || existsSync(sandboxHelperFile());
  return {
    name: "sandbox of untrusted programs",
    check: built,
    async run(report) {
      const problem = await goProblem(PATHS.sandboxModule, environment);
      if (problem !== undefined)
        return `not built, so untrusted programs are refused: ${problem}; install Go 1.26 or newer (https://go.dev/dl)`;
      await using _lock = await holdLock("sandbox", () =>
        report("waiting for another set-up that builds it"),
      );
      if (built()) return "done";
      report("building its helper");
      await build(sandboxHelperFile(), environment);
      return "done";
    },
  };
}
