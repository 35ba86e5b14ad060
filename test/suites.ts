/** One row of `taskfleet test`. */
export interface Suite {
  readonly name: string;
  /** What it tests, in a few words. */
  readonly what: string;
  /** Globs, from the project's root, of the files that decide whether it has to run again. */
  readonly inputs: readonly string[];
  /** Arguments for Node 24, run in the project's root. */
  readonly command: readonly string[];
  /** Takes minutes: unchanged, it is skipped in CI too. */
  readonly heavy: boolean;
  /** Beyond this it hangs, and fails. */
  readonly timeoutMinutes: number;
}

/** Mocha over the test files directly in `folders` of `test/`. */
function mocha(...folders: readonly string[]): readonly string[] {
  const specs = folders.map((folder) => `test/${folder}/**/*.test.ts`);
  return ["node_modules/mocha/bin/mocha.js", "--reporter", "test/count-reporter.ts", ...specs];
}

/** All suites, in the order in which they run. */
export const SUITES: readonly Suite[] = [
  {
    name: "check",
    what: "format, lint, import rules and types",
    inputs: ["**/*.ts", "**/*.mts", "**/*.json", "**/*.cjs"],
    command: ["components/cli/main.ts", "check"],
    heavy: false,
    timeoutMinutes: 5,
  },
  {
    name: "launcher",
    what: "the launcher script, set-up, taskfleet env and test, state locks",
    inputs: ["taskfleet", "components/cli/**", "test/launcher/**", "test/support/**", "tools/**"],
    command: mocha("launcher"),
    heavy: false,
    timeoutMinutes: 5,
  },
  {
    name: "engine",
    what: "the Node.js language host under the real Pulumi engine",
    inputs: ["tools/**", "components/cli/**", "test/engine/**", "test/support/**"],
    command: mocha("engine"),
    heavy: false,
    timeoutMinutes: 10,
  },
];
