/** Names the file (a variable in a suite's environment) to which the suite writes its `SuiteCounts` as JSON. */
export const COUNTS_FILE = "TASKFLEET_TEST_COUNTS";

/** How many tests of a suite ended how. */
export interface SuiteCounts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that could not run here. */
  readonly skipped: number;
  /** What failed, where the suite says so. */
  readonly failures?: readonly TestFailure[];
}

/** A test that failed: its full title, and the error with its causes. */
export interface TestFailure {
  readonly title: string;
  readonly message: string;
}

/** How a suite's process ended; `counts` is `undefined` when it wrote none. */
export interface SuiteEnd {
  readonly counts: SuiteCounts | undefined;
  readonly code: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
}

/** What a suite adds to the totals, with the reason when more than single tests failed. */
export interface SuiteOutcome extends SuiteCounts {
  readonly failures: readonly TestFailure[];
  readonly note: string;
}

/**
 * Judges a suite: one that died, hung or found no test counts as one failed test more, and so does one that
 * ended badly although each of its tests passed.
 */
export function judge({ counts, code, signal, timedOut }: SuiteEnd): SuiteOutcome {
  const { passed, failed, skipped, failures = [] } = counts ?? { passed: 0, failed: 0, skipped: 0 };
  const broken = (note: string) => ({ passed, failed: failed + 1, skipped, failures, note });
  if (timedOut) return broken("timed out");
  const how = signal === null ? `code ${code}` : `signal ${signal}`;
  if (counts === undefined) return broken(`died (${how}) before it reported`);
  if (passed + failed + skipped === 0) return broken("found no test");
  if (code !== 0 && failed === 0) return broken(`ended with ${how} although its tests passed`);
  return { passed, failed, skipped, failures, note: "" };
}

/** A line for each test that failed, for the end: a cut output still tells which. */
export function failedNames(suite: string, failures: readonly TestFailure[]): string {
  return failures.map(({ title }) => `failed: ${suite}: ${title}\n`).join("");
}

/** A paragraph for each test that failed. */
export function failureText(suite: string, failures: readonly TestFailure[]): string {
  const indented = (message: string) => message.replaceAll(/^/gm, "    ");
  return failures.map(({ title, message }) => `\n${suite}: ${title}\n${indented(message)}\n`).join("");
}

/** `N passed, N failed, N skipped`. */
export function totalLine(outcomes: readonly SuiteOutcome[]): string {
  const sum = (of: "passed" | "failed" | "skipped") =>
    outcomes.reduce((total, outcome) => total + outcome[of], 0);
  return `${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`;
}
