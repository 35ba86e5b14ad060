import type { Command } from "commander";
import { SUITES, type Suite } from "../../test/suites.ts";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { findOnPath } from "../find-on-path.ts";
import { CommandError } from "./command-error.ts";
import { setUp } from "./setup.ts";
import { composeStep } from "./setup-compose.ts";
import { recordedPass, recordPass, suiteHash } from "./test-cache.ts";
import { failedNames, failureText, judge, type SuiteOutcome, totalLine } from "./test-counts.ts";
import { runSuite } from "./test-run.ts";

interface TestOptions {
  readonly all?: true;
  readonly list?: true;
}

interface SuiteReport {
  readonly suite: Suite;
  readonly outcome: SuiteOutcome;
  readonly seconds: number;
}

function chosenSuites(names: readonly string[]): readonly Suite[] {
  const known = SUITES.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new CommandError(`no suite ${unknown.join(", ")}: there are ${known.join(", ")}`, EXIT.usage);
  return names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name));
}

/** In CI light suites always run: a green run that ran nothing proves nothing. */
function mustRun(suite: Suite, named: boolean, { all }: TestOptions): boolean {
  return named || all === true || (process.env.CI === "true" && !suite.heavy);
}

async function report(suite: Suite, forced: boolean): Promise<SuiteReport> {
  const hash = suiteHash(suite);
  const recorded = forced ? undefined : recordedPass(hash);
  if (recorded !== undefined) {
    const outcome = {
      passed: 0,
      failed: 0,
      skipped: recorded,
      failures: [],
      note: "unchanged since it passed",
    };
    return { suite, outcome, seconds: 0 };
  }
  process.stdout.write(`\n== ${suite.name}: ${suite.what}\n`);
  if (suite.compose === true) await setUpCompose();
  const started = Date.now();
  const outcome = judge(await runSuite(suite));
  const whole = outcome.failed === 0 && outcome.skipped === 0;
  // Inputs that changed meanwhile have not been tested.
  if (whole && suiteHash(suite) === hash) recordPass(hash, suite.name, outcome.passed);
  return { suite, outcome, seconds: (Date.now() - started) / 1000 };
}

/** Without it the suite itself says what it cannot test. */
async function setUpCompose(): Promise<void> {
  if (findOnPath("docker", process.env.PATH ?? "") === undefined) return;
  try {
    await setUp([composeStep(process.env)], { output: process.stderr, verbose: false, now: Date.now });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`taskfleet: ${error.message}\n`);
  }
}

function summaryLine({ suite, outcome, seconds }: SuiteReport): string {
  const { passed, failed, skipped, note } = outcome;
  const columns = [
    suite.name.padEnd(12),
    `${String(passed).padStart(5)} passed`,
    `${String(failed).padStart(4)} failed`,
    `${String(skipped).padStart(5)} skipped`,
    `${seconds.toFixed(1).padStart(7)} s`,
  ];
  return `${columns.join("  ")}${note === "" ? "" : `  (${note})`}\n`;
}

function list(): void {
  for (const suite of SUITES) {
    const recorded = recordedPass(suiteHash(suite));
    const state = recorded === undefined ? "to run" : `passed (${recorded} tests)`;
    process.stdout.write(`${suite.name.padEnd(12)}  ${state.padEnd(20)}  ${suite.what}\n`);
  }
}

async function test(wanted: readonly string[], options: TestOptions): Promise<void> {
  const suites = chosenSuites(wanted);
  if (options.list) return list();
  const reports: SuiteReport[] = [];
  for (const suite of suites) reports.push(await report(suite, mustRun(suite, wanted.length > 0, options)));
  const outcomes = reports.map(({ outcome }) => outcome);
  const failures = reports.map(({ suite, outcome }) => failureText(suite.name, outcome.failures)).join("");
  const names = reports.map(({ suite, outcome }) => failedNames(suite.name, outcome.failures)).join("");
  process.stdout.write(`${failures}\n${reports.map(summaryLine).join("")}\n${names}${totalLine(outcomes)}\n`);
  process.exitCode = outcomes.some(({ failed }) => failed > 0) ? EXIT.failed : EXIT.ok;
}

/** Adds `taskfleet test`. */
export function register(program: Command): void {
  program
    .command("test")
    .description("run the test suites whose inputs changed since they passed")
    .argument("[suites...]", "suites that run in any case")
    .option("--all", "run all suites")
    .option("--list", "list the suites and whether they would run")
    .action(test);
}
