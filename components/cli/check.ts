import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { COUNTS_FILE, type SuiteCounts } from "./test-counts.ts";

/** Format, lint and import rules; then types. */
const TOOLS: readonly (readonly [string, ...string[]])[] = [
  ["biome", "ci", "."],
  ["tsc", "--noEmit"],
];

function runTools(): SuiteCounts {
  let passed = 0;
  for (const [tool, ...words] of TOOLS) {
    const file = join(PATHS.nodeModules, ".bin", tool);
    const { status } = spawnSync(file, words, { cwd: PATHS.root, stdio: "inherit" });
    if (status === 0) passed++;
    process.stdout.write(`${status === 0 ? "ok" : "FAILED"}: ${tool} ${words.join(" ")}\n`);
  }
  return { passed, failed: TOOLS.length - passed, skipped: 0 };
}

/** Adds `taskfleet check`. */
export function register(program: Command): void {
  program
    .command("check")
    .description("check format, lint, import rules and types of the whole tree")
    .action(() => {
      const counts = runTools();
      const report = process.env[COUNTS_FILE];
      if (report !== undefined) writeFileSync(report, JSON.stringify(counts));
      process.exitCode = counts.failed === 0 ? EXIT.ok : EXIT.failed;
    });
}
