import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, matchesGlob } from "node:path";
import { COMMON_INPUTS } from "../../components/cli/test-cache.ts";
import { PATHS } from "../../components/paths.ts";
import { SUITES } from "../suites.ts";

const IMPORT = /(?:\bfrom|\bimport|\bimport\() ?"(\.[^"]+|@taskfleet\/worker\/client)"/g;

/** The files that `file` imports, relative to the project's root. */
function importsOf(file: string): readonly string[] {
  const source = readFileSync(join(PATHS.root, file), "utf8");
  return [...source.matchAll(IMPORT)].map(([, module = ""]) =>
    module.startsWith(".") ? join(dirname(file), module) : "worker/src/client.ts",
  );
}

/** These files and all that they import, directly or not. */
function closure(files: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  const add = (file: string) => {
    if (seen.has(file) || !statSync(join(PATHS.root, file), { throwIfNoEntry: false })?.isFile()) return;
    seen.add(file);
    importsOf(file).forEach(add);
  };
  files.forEach(add);
  return [...seen].sort();
}

describe("a suite's inputs", () => {
  for (const { name, command, inputs } of SUITES)
    it(`of ${name} hold all that its files import: else a change would not run it again`, () => {
      const given = command.flatMap((word) => globSync(word, { cwd: PATHS.root }));
      const files = closure(given.filter((file) => /^(test|components)\//.test(file)));
      assert.ok(files.length > 1, "the imports were not found");
      const globs = [...COMMON_INPUTS, ...inputs];
      const missing = files.filter((file) => !globs.some((glob) => matchesGlob(file, glob)));
      assert.deepEqual(missing, []);
    });

  it("are there: a glob that finds nothing is a slip", () => {
    const globs = new Set([...COMMON_INPUTS, ...SUITES.flatMap(({ inputs }) => inputs)]);
    const empty = [...globs].filter((glob) => globSync(glob, { cwd: PATHS.root }).length === 0);
    assert.deepEqual(empty, []);
  });
});
