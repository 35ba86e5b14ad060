/**
 * Lays out what the worker image has above its base: `node worker/image/layout.ts --out DIR --helper FILE --busybox
 * FILE`. The same sources give the same bytes, owners, modes and times.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildBundle } from "../build.ts";
import { settle } from "./settle.ts";

/** The image's user. */
const USER = 65532;
const STATE = ["var/lib/taskfleet", "var/lib/taskfleet/history", "var/lib/taskfleet/results"];
const PROGRAMS = ["/app/main.mjs", "/app/taskfleet-sandbox", "/usr/local/bin/busybox"];
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
  chmodSync(join(bin, "busybox"), 0o755);
  const programs = execFileSync(join(bin, "busybox"), ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of programs.filter((name) => name !== "busybox")) symlinkSync("busybox", join(bin, name));
  mkdirSync(join(out, "usr/bin"));
  symlinkSync("../local/bin/busybox", join(out, "usr/bin/env"));
}

/** Where volumes are mounted: a new volume has its mount point's owner. */
function layState({ out }: Parts): void {
  for (const place of STATE) {
    mkdirSync(join(out, place), { recursive: true });
    chownSync(join(out, place), USER, USER);
  }
}

const given = parts();
const bin = join(given.out, "usr/local/bin");
mkdirSync(bin, { recursive: true });
await layApp(given, bin);
layToolbox(given, bin);
layState(given);
settle(given.out, (place) => PROGRAMS.includes(place));
