/** Runs Prometheus' own tools, which the distribution packages. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missingPrograms } from "../support/standins/image-folder.ts";

/** Skips the suite, and says so, where one of these programs is not installed. */
export function needPrograms(names: readonly string[]): void {
  before(function () {
    const missing = missingPrograms(names);
    if (missing === undefined) return;
    process.stderr.write(`dashboards: skipped: ${missing}\n`);
    this.skip();
  });
}

/** What a program printed, and whether it ended well. */
export interface ToolRun {
  readonly ok: boolean;
  readonly output: string;
}

/** Writes the files into a folder of their own and runs the program there. */
export function runTool(
  program: string,
  args: readonly string[],
  files: Readonly<Record<string, string>>,
): ToolRun {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-promtool-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    if (error !== undefined) throw error;
    return { ok: status === 0, output: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
