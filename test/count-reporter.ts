import { writeFileSync } from "node:fs";
import { inspect } from "node:util";
import Mocha from "mocha";
import { COUNTS_FILE, type SuiteCounts, type TestFailure } from "../components/cli/test-counts.ts";

/** Mocha's spec reporter, which also writes the exact counts and the failures for `taskfleet test`. */
export default class CountReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const failures: TestFailure[] = [];
    runner.on(Mocha.Runner.constants.EVENT_TEST_FAIL, (test, error: Error) => {
      failures.push({ title: test.titlePath().join(" › "), message: inspect(error) });
    });
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env[COUNTS_FILE];
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      const counts: SuiteCounts = { passed, failed, skipped, failures };
      if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
