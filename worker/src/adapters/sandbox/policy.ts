/** What the helper is told to do: see `worker/sandbox/policy.go`. Pure but for a look at the system's folders. */
import { lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { HelperBackEnd } from "../../../contract/sandbox.ts";
import type { SandboxedProgram } from "../../ports/sandbox.ts";

/** What is the same for all programs of a worker. */
export interface PolicyContext {
  readonly backEnd: HelperBackEnd;
  /** Paths of programs and libraries of this system. */
  readonly system: readonly string[];
  /** Further paths to read and execute. */
  readonly readable: readonly string[];
  /** PATH of the programs. */
  readonly path: string;
}

export interface HelperPolicy {
  readonly version: 1;
  readonly command: readonly string[];
  readonly folder: string;
  readonly folderInside: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly readable: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly cgroups: readonly string[];
  readonly wrapper?: { readonly command: readonly string[]; readonly helper: string };
}

/** Descriptors that one process may have open. */
const FILES = 1024;
/** The helper's own limit comes after the worker's SIGTERM and SIGKILL, should the worker hang. */
const WALL_MARGIN_MS = 2_000;
const INSIDE = "/scratch";
const HELPER_INSIDE = "/run/taskfleet-sandbox";
/** The helper's own binary, as it hands it to its wrapper. */
const HELPER_DESCRIPTOR = "5";

/** Whether any user may go there: a program may run as one who owns nothing. */
export function openToAll(path: string): boolean {
  for (let folder = dirname(path); folder !== "/"; folder = dirname(folder))
    if (((statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o001) === 0) return false;
  return true;
}

function bind(path: string): readonly string[] {
  if (lstatSync(path).isSymbolicLink()) return ["--symlink", readlinkSync(path), path];
  return ["--ro-bind", path, path];
}

function bubblewrap({ system, readable }: PolicyContext, diskBytes: number): readonly string[] {
  // /proc and /dev are the namespace's own.
  const paths = [...system, ...readable].filter((path) => !/^\/(proc|dev)\//.test(path));
  return [
    "bwrap",
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    ...paths.flatMap(bind),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--size", String(diskBytes), "--tmpfs", INSIDE],
    ...["--perms", "0555", "--ro-bind-data", HELPER_DESCRIPTOR, HELPER_INSIDE],
    ...["--chdir", INSIDE, "--"],
  ];
}

export function helperPolicy(
  context: PolicyContext,
  program: SandboxedProgram,
  cgroups: readonly string[],
): HelperPolicy {
  const { command, folder, environment, limits, graceMs } = program;
  const namespaces = context.backEnd === "bubblewrap";
  const inside = namespaces ? INSIDE : folder;
  return {
    version: 1,
    command,
    folder,
    folderInside: inside,
    environment: {
      PATH: context.path,
      HOME: inside,
      TMPDIR: inside,
      LANG: "C.UTF-8",
      LC_ALL: "C.UTF-8",
      ...environment,
    },
    readable: namespaces ? [...context.readable, "/proc"] : context.readable,
    limits: {
      processes: limits.processes,
      memoryBytes: limits.memoryBytes,
      cpuMs: Math.ceil(limits.cpuMs),
      wallMs: Math.ceil(limits.timeoutMs + graceMs + WALL_MARGIN_MS),
      diskBytes: limits.diskBytes,
      files: FILES,
    },
    cgroups,
    ...(namespaces && {
      wrapper: { command: bubblewrap(context, limits.diskBytes), helper: HELPER_INSIDE },
    }),
  };
}
