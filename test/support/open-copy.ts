import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, linkSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { sandboxHelper } from "../../components/sandbox-helper.ts";
import { buildBundle } from "../../worker/build.ts";

/** What a worker needs, in a folder that every user of this machine may enter. */
export interface OpenCopy {
  readonly folder: string;
  readonly node: string;
  /** The bundle's entry file. */
  readonly main: string;
  /** "" where the set-up could not build it. */
  readonly helper: string;
  remove(): void;
}

function copy(file: string, folder: string): string {
  const target = join(folder, basename(file));
  try {
    linkSync(file, target);
  } catch {
    cpSync(file, target);
  }
  return target;
}

/** Copies Node and the sandbox's helper, and builds the worker. */
export async function openCopy(): Promise<OpenCopy> {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-open-"));
  chmodSync(folder, 0o755);
  const bundles = join(folder, "bundles");
  mkdirSync(bundles);
  const { directory } = await buildBundle({ outDir: bundles });
  execFileSync("chmod", ["-R", "go+rX", folder]);
  const helper = sandboxHelper();
  return {
    folder,
    node: copy(process.execPath, folder),
    main: join(directory, "main.mjs"),
    helper: helper === "" ? "" : copy(helper, folder),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
