import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Suite } from "../../test/suites.ts";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { pathWithBin } from "./environment.ts";
import { COUNTS_FILE, type SuiteCounts, type SuiteEnd } from "./test-counts.ts";

/** Variables that would let a stack, or the user's own settings, into a test. */
const NOT_FOR_TESTS = /^(TASKFLEET_|WORKER_|PULUMI_|REDIS_|REDISCLI_|LOG_JSON$|LOG_LEVEL$)/;

function suiteEnvironment(environment: NodeJS.ProcessEnv, countsFile: string): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !NOT_FOR_TESTS.test(name));
  const path = [join(PATHS.nodeModules, ".bin"), pathWithBin(environment.PATH ?? "")].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, TASKFLEET_ROOT: PATHS.root, [COUNTS_FILE]: countsFile };
}

function readCounts(file: string): SuiteCounts | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as SuiteCounts;
  } catch {
    // The suite died before it wrote them; its end says how.
    return undefined;
  }
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Runs one suite in a process group of its own, its output live; at the time limit the whole group is killed. */
export async function runSuite(suite: Suite): Promise<SuiteEnd> {
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-test-"));
  const countsFile = join(directory, "counts.json");
  const child = spawn(process.execPath, suite.command, {
    cwd: PATHS.root,
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
    env: suiteEnvironment(process.env, countsFile),
  });
  let timedOut = false;
  const limit = setTimeout(() => {
    timedOut = true;
    killGroup(child, "SIGKILL");
  }, suite.timeoutMinutes * 60_000);
  const interrupt = (signal: NodeJS.Signals) => {
    killGroup(child, signal);
    process.exit(EXIT.interrupted);
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return { counts: readCounts(countsFile), code, signal, timedOut };
  } finally {
    clearTimeout(limit);
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    rmSync(directory, { recursive: true, force: true });
  }
}
