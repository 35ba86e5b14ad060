import assert from "node:assert/strict";
import { goProblem } from "../../components/cli/go-toolchain.ts";
import { runCommand } from "../../components/cli/run-command.ts";
import { PATHS } from "../../components/paths.ts";

const FUZZED = ["FuzzPolicy", "FuzzConfine", "FuzzStat"];
const FUZZ_RUNS = 20_000;

describe("the sandbox's helper", function () {
  this.timeout(240_000);
  before(async function () {
    const problem = await goProblem(PATHS.sandboxModule, process.env);
    if (problem === undefined) return;
    process.stdout.write(`      not tested here: the helper's own tests: ${problem}\n`);
    this.skip();
  });

  const go = async (...words: readonly string[]) => {
    const { code, tail } = await runCommand(["go", ...words], { cwd: PATHS.sandboxModule });
    assert.equal(code, 0, tail);
  };

  it("passes vet here and for arm64", async () => {
    await go("vet", "-mod=readonly", ".");
    const env = { ...process.env, GOARCH: "arm64" };
    const { code, tail } = await runCommand(["go", "vet", "."], { cwd: PATHS.sandboxModule, env });
    assert.equal(code, 0, tail);
  });

  it("passes its own tests", () => go("test", "-mod=readonly", "."));

  for (const name of FUZZED)
    it(`stands ${name} for ${FUZZ_RUNS} inputs`, () =>
      go("test", "-run", "^$", "-fuzz", `^${name}$`, "-fuzztime", `${FUZZ_RUNS}x`, "."));
});
