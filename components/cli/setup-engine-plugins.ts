import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineDirectory } from "../paths.ts";

/** A plugin beside our engine: it serves every checkout of this user, so it looks for its own. */
function plugin(name: string, command: string): string {
  return `#!/bin/sh
# Finds the taskfleet checkout that calls it: TASKFLEET_ROOT, or the folder it runs in or below.
root=\${TASKFLEET_ROOT:-$PWD}
while [ ! -f "$root/tools/language-host/main.ts" ]; do
  case $root in
    */?*) root=\${root%/*} ;;
    *)
      echo "${name}: $PWD is in no taskfleet checkout: set TASKFLEET_ROOT, or eval the output of ./taskfleet env" >&2
      exit 1
      ;;
  esac
done
# Programs and providers load the same packages at every update: keep them compiled.
export NODE_COMPILE_CACHE="\${NODE_COMPILE_CACHE:-\${0%/*}/compiled}"
${command}
`;
}

const PLUGINS: Readonly<Record<string, string>> = {
  "pulumi-language-nodejs": plugin(
    "pulumi-language-nodejs",
    'exec "$root/node_modules/.bin/node" "$root/tools/language-host/main.ts" "$@"',
  ),
  "pulumi-resource-pulumi-nodejs": plugin(
    "pulumi-resource-pulumi-nodejs",
    'PATH=$root/node_modules/.bin:$PATH exec "$root/node_modules/@pulumi/pulumi/pulumi-resource-pulumi-nodejs" "$@"',
  ),
};

function isCurrent(file: string, content: string): boolean {
  return existsSync(file) && readFileSync(file, "utf8") === content;
}

/** Whether the engine's folder holds the plugins as this version writes them. */
export function pluginsCurrent(): boolean {
  return Object.entries(PLUGINS).every(([name, content]) =>
    isCurrent(join(engineDirectory(), name), content),
  );
}

/** Writes the plugins beside the engine, where `pulumi` finds them. */
export function writePlugins(): void {
  const directory = engineDirectory();
  mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(PLUGINS)) {
    const file = join(directory, name);
    if (isCurrent(file, content)) continue;
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, content, { mode: 0o755 });
    renameSync(fresh, file);
  }
}
