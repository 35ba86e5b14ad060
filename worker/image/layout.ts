/**
 * Lays out what the worker image has above its base: `node worker/image/layout.ts --out DIR --helper FILE --busybox
 * FILE`. The same sources give the same bytes, owners, modes and times.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBundle } from "../build.ts";

const FOLDER = 0o755;
const PROGRAM = 0o755;
const FILE = 0o644;
/** Of every file; a build's own time would make each layer another one. */
const EPOCH = new Date(0);
/** What the image's command line answers to; `peagen` is the name that the sources use. */
const NAMES = ["taskfleet", "peagen"];

interface Parts {
  readonly out: string;
  readonly helper: string;
  readonly busybox: string;
}

function parts(): Parts {
  const text = { type: "string" } as const;
  const { values } = parseArgs({ options: { out: text, helper: text, busybox: text } });
  const { out, helper, busybox } = values;
  if (out === undefined || helper === undefined || busybox === undefined)
    throw new Error("usage: node worker/image/layout.ts --out DIR --helper FILE --busybox FILE");
  return { out, helper, busybox };
}

/** The bundle in `/app`, with its command on the path. */
async function layApp({ out, helper }: Parts, bin: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "taskfleet-bundle-"));
  const { directory } = await buildBundle({ outDir: scratch, sandboxHelper: helper });
  cpSync(directory, join(out, "app"), { recursive: true });
  rmSync(scratch, { recursive: true });
  for (const name of NAMES) symlinkSync("/app/main.mjs", join(bin, name));
}

/** busybox under the name of each of its programs; `env` also where `#!` lines look for it. */
function layToolbox({ out, busybox }: Parts, bin: string): void {
  copyFileSync(busybox, join(bin, "busybox"));
  chmodSync(join(bin, "busybox"), PROGRAM);
  const programs = execFileSync(join(bin, "busybox"), ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of programs.filter((name) => name !== "busybox")) symlinkSync("busybox", join(bin, name));
  mkdirSync(join(out, "usr/bin"));
  symlinkSync("../local/bin/busybox", join(out, "usr/bin/env"));
}

/** One mode for each sort of file and one time for all, deepest first: what is written last would get a new time. */
function settle(out: string): void {
  const programs = new Set([join(out, "app/main.mjs"), join(out, "app/taskfleet-sandbox")]);
  const entries = readdirSync(out, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }));
  for (const { entry, path } of paths.toSorted((a, b) => b.path.length - a.path.length)) {
    if (entry.isDirectory()) chmodSync(path, FOLDER);
    else if (entry.isFile()) chmodSync(path, programs.has(path) || isTool(path) ? PROGRAM : FILE);
    lutimesSync(path, EPOCH, EPOCH);
  }
  chmodSync(out, FOLDER);
  lutimesSync(out, EPOCH, EPOCH);
}

function isTool(path: string): boolean {
  return path.endsWith("/usr/local/bin/busybox");
}

const given = parts();
const bin = join(given.out, "usr/local/bin");
mkdirSync(bin, { recursive: true });
await layApp(given, bin);
layToolbox(given, bin);
settle(given.out);
