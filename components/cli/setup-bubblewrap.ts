import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../find-on-path.ts";
import { PATHS } from "../paths.ts";
import { aptInstall, aptProblem } from "./apt.ts";
import type { SetupStep } from "./setup-step.ts";

/** Says that it was tried: an installation that fails is not tried again before every command. */
const TRIED = join(PATHS.setup, "bubblewrap-tried");
const LOST = "not installed, so workers get no namespaces of their own";
const WAY_OUT = "install the package bubblewrap, so that bwrap is on PATH";

/** `bwrap` is there, for workers of stack `local` and the sandbox of `execute`. All else works without it. */
export function bubblewrapStep(environment: NodeJS.ProcessEnv, tried = TRIED): SetupStep {
  const there = () => findOnPath("bwrap", environment.PATH ?? "") !== undefined;
  return {
    name: "bubblewrap",
    check: () => process.platform !== "linux" || there() || existsSync(tried),
    async run(report) {
      const problem = aptProblem(environment);
      const end = problem === undefined ? await aptInstall("bubblewrap", environment, report) : undefined;
      if (end?.code === 0) return "done";
      mkdirSync(PATHS.setup, { recursive: true });
      writeFileSync(tried, `${end?.tail ?? problem}\n`);
      return `${LOST}: ${problem ?? `apt-get install failed, see ${tried}`}; ${WAY_OUT}`;
    },
  };
}
