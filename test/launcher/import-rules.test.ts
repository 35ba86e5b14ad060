import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PATHS } from "../../components/paths.ts";

/**
 * Imports by the file that holds them. Where the paths of two overrides overlap, Biome takes the later one
 * whole: a narrower rule has to repeat the wider one's groups.
 */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  "worker/contract/x.ts": [
    "../src/core/task.ts",
    "../../components/spec/resolve.ts",
    "@pulumi/pulumi",
    "@taskfleet/worker/client",
    "ioredis",
    "node:fs",
  ],
  "worker/src/x.ts": [
    "../../components/spec/resolve.ts",
    "../../stacks/local.ts",
    "../../tools/language-host/main.ts",
    "../../test/support/queue.ts",
    "@pulumi/pulumi",
    "@pulumi/pulumi/provider/server.js",
  ],
  "worker/x.ts": ["../components/spec/resolve.ts"],
  "components/spec/x.ts": [
    "@pulumi/pulumi",
    "../../worker/src/core/task.ts",
    "../hosts/ports.ts",
    "../platform/redis.ts",
    "../targets/target.ts",
    "../cli/shell.ts",
  ],
  "components/targets/a/compile.ts": [
    "@pulumi/pulumi",
    "../../../worker/src/core/task.ts",
    "../../cli/shell.ts",
  ],
  "components/targets/a/component.ts": ["../../../worker/src/core/task.ts", "../../cli/shell.ts"],
  "components/hosts/x.ts": ["../../worker/src/core/task.ts", "../cli/shell.ts"],
  "components/cli/x.ts": ["../../worker/src/core/task.ts"],
  "stacks/x.ts": ["../worker/src/core/task.ts", "../components/cli/shell.ts"],
};

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  "worker/contract/y.ts": ["./settings.ts", "./process-stat.ts"],
  "worker/src/y.ts": [
    "../contract/settings.ts",
    "./core/task.ts",
    "./adapters/redis/lua.ts",
    "ioredis",
    "node:fs",
  ],
  "components/spec/y.ts": ["../../worker/contract/settings.ts", "./units.ts", "node:path"],
  "components/targets/b/compile.ts": [
    "../../hosts/process-inputs.ts",
    "../../spec/resolve.ts",
    "../target.ts",
  ],
  "components/targets/b/component.ts": ["@pulumi/pulumi", "../../hosts/resources.ts"],
  "components/hosts/y.ts": ["@pulumi/pulumi", "../../worker/contract/run-file.ts", "../paths.ts"],
  "components/cli/y.ts": ["../paths.ts", "../hosts/errors.ts", "./shell.ts", "@taskfleet/worker/client"],
  "stacks/y.ts": ["@pulumi/pulumi", "../components/paths.ts", "../worker/build.ts"],
};

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

/** The imports in a copy of these files that the project's `biome.json` restricts, as `<file>: <module>`. */
function restricted(folder: string, files: Readonly<Record<string, readonly string[]>>): readonly string[] {
  const { vcs, $schema, ...rules } = JSON.parse(readFileSync(join(PATHS.root, "biome.json"), "utf8"));
  writeFileSync(join(folder, "biome.json"), JSON.stringify(rules));
  for (const [name, modules] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), modules.map((module) => `import "${module}";\n`).join(""));
  }
  const biome = join(PATHS.nodeModules, ".bin", "biome");
  const { stdout } = spawnSync(biome, ["lint", "--reporter=json", "--max-diagnostics=none"], {
    cwd: folder,
    encoding: "utf8",
  });
  const diagnostics: readonly Diagnostic[] = JSON.parse(stdout).diagnostics;
  return diagnostics
    .filter(({ category }) => category === "lint/style/noRestrictedImports")
    .map(({ location: { path, start } }) => `${path}: ${files[path]?.[start.line - 1]}`)
    .sort();
}

function all(files: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return Object.entries(files)
    .flatMap(([name, modules]) => modules.map((module) => `${name}: ${module}`))
    .sort();
}

describe("the import rules", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-imports-"));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("refuse each import that leads against the arrows, and no other", () => {
    assert.deepEqual(restricted(folder, { ...FORBIDDEN, ...ALLOWED }), all(FORBIDDEN));
  });
});
