/** How a supervisor starts its worker: confined as its settings say, or as it is itself. */
import { chownSync, existsSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { controlsOf, type SecurityProfile } from "../../contract/controls.ts";
import { SETTINGS } from "../../contract/settings.ts";
import type { GroupLimits } from "../adapters/cgroups/limit-files.ts";
import { makeWorkerGroup } from "../adapters/cgroups/worker-group.ts";
import { confiningWords } from "../adapters/confinement/command.ts";
import { findMachine } from "../adapters/confinement/machine.ts";
import { modulePaths, type Places, viewArguments } from "../adapters/confinement/view.ts";
import type { Settings } from "../config/load-settings.ts";

export interface WorkerStart {
  /** Words in front of the worker's command. */
  readonly wrap: readonly string[];
  /** Whether it gets a pid namespace of its own. */
  readonly namespaced: boolean;
  /** Node's and the entry file's path as the worker sees them. */
  readonly node: string;
  readonly main: string;
  readonly env: NodeJS.ProcessEnv;
  /** What it can read once from the descriptor for secrets; "" for nothing. */
  readonly secret: string;
  /** Working directory; default: the supervisor's. */
  readonly cwd?: string;
}

type WorkerSettings = Settings<"worker">;

const OTHERS_MAY_PASS = 0o001;
const RESULTS_MODE = 0o750;

/** Folders as the worker's user will meet them; `stranger`: that is another user than this process's. */
function places(stranger: boolean): Places {
  return {
    exists: existsSync,
    isFolder: (path) => statSync(path).isDirectory(),
    isOpen: (folder) => !stranger || (statSync(folder).mode & OTHERS_MAY_PASS) !== 0,
  };
}

function profileOf(settings: WorkerSettings): SecurityProfile {
  const { uid, readOnlyRoot, noNewPrivileges, dropCapabilities, seccomp, pids, memory, cpu } = settings;
  return { uid, readOnlyRoot, noNewPrivileges, dropCapabilities, seccomp, pids, memory, cpu };
}

/** As many sandboxed programs as the worker has slots. */
function tasksOf({ concurrency, executeProcesses, executeMemory }: WorkerSettings): GroupLimits {
  return { pids: concurrency * executeProcesses, memory: concurrency * executeMemory };
}

/** A bundle is whole in its folder; sources need their packages. */
function mainPaths(main: string, temporary: string, found: Places): readonly string[] {
  return main.endsWith(".ts") ? modulePaths(dirname(main), temporary, found) : [dirname(main)];
}

/** What the worker has to see, by its real path: links on the way to it may be covered. */
function neededPaths(main: string, settings: WorkerSettings, temporary: string, found: Places) {
  const handlers = settings.handlers === "" ? [] : modulePaths(settings.handlers, temporary, found);
  const helper = settings.sandboxHelper === "" ? [] : [settings.sandboxHelper];
  const results = resultFolder(settings);
  const needed = [process.execPath, ...mainPaths(main, temporary, found), ...handlers, ...helper, ...results];
  return [...new Set(needed.filter(existsSync).map((path) => realpathSync(path)))];
}

/** The settings with real paths; one that cannot be found stays, for the worker to say so. */
function withRealPaths(settings: WorkerSettings): WorkerSettings {
  const real = (path: string) => (path !== "" && existsSync(path) ? realpathSync(path) : path);
  const { handlers, sandboxHelper, resultDirectory } = settings;
  return {
    ...settings,
    handlers: real(handlers),
    sandboxHelper: real(sandboxHelper),
    resultDirectory: real(resultDirectory),
  };
}

/** The folder of results, where this worker writes any. */
function resultFolder({ resultBackEnd, resultDirectory }: WorkerSettings): readonly string[] {
  return resultBackEnd === "fs" ? [resultDirectory] : [];
}

/** Made here, for the worker may not write beside it; one that is there stays as it is. */
function makeResultFolder(settings: WorkerSettings, owner: number | null): void {
  for (const folder of resultFolder(settings))
    if (!existsSync(folder)) {
      mkdirSync(folder, { recursive: true, mode: RESULTS_MODE });
      if (owner !== null) chownSync(folder, owner, owner);
    }
}

/** A worker as it was always started: of the supervisor's user, with all that this one may do. */
function plainStart(main: string, scratch: string | null): WorkerStart {
  const env = scratch === null ? {} : { TMPDIR: scratch };
  return { wrap: [], namespaced: false, node: process.execPath, main, env, secret: "" };
}

/**
 * Makes the worker's control group and finds the words that confine it. `scratch`, its temporary folder, becomes
 * that of the worker's user.
 */
function confinedStart(given: WorkerSettings, workerId: string, main: string, scratch: string): WorkerStart {
  const owner = process.getuid?.() === 0 ? given.uid : null;
  makeResultFolder(given, owner);
  const settings = withRealPaths(given);
  const { handlers, sandboxHelper: helper, hiddenPaths: hidden, runDirectory } = settings;
  const profile = profileOf(settings);
  const group = makeWorkerGroup(runDirectory, workerId, profile, tasksOf(settings));
  const machine = findMachine(profile, helper, group.found);
  const root = machine.uid === 0;
  if (root && (machine.helper.works || machine.setpriv.works)) chownSync(scratch, profile.uid, profile.uid);
  const found = places(root);
  const temporary = realpathSync(tmpdir());
  const { readOnlyRoot } = profile;
  const needed = neededPaths(realpathSync(main), settings, temporary, found);
  const results = resultFolder(settings);
  const shown = { readOnlyRoot, temporary, scratch, needed, writable: [...results, ...group.paths], hidden };
  const view = viewArguments(shown, found);
  const inside = machine.namespaces.works && readOnlyRoot ? temporary : scratch;
  const writable = [scratch, ...results, ...group.paths];
  return {
    wrap: confiningWords({ profile, machine, joinFiles: group.joinFiles, view, helper, writable }),
    namespaced: machine.namespaces.works,
    node: realpathSync(process.execPath),
    main: realpathSync(main),
    cwd: scratch,
    secret: settings.redisPassword || decodeURIComponent(new URL(settings.redisUrl).password),
    env: {
      TMPDIR: inside,
      HOME: inside,
      [SETTINGS.handlers.env]: handlers,
      [SETTINGS.sandboxHelper.env]: helper,
      ...(results[0] === undefined ? {} : { [SETTINGS.resultDirectory.env]: results[0] }),
      [SETTINGS.controlGroup.env]: group.paths.join(","),
      [SETTINGS.controls.env]: JSON.stringify(controlsOf(profile, machine)),
    },
  };
}

/**
 * How this worker starts. `scratch`: its temporary folder, or `null` where none could be made.
 * @throws Error when it is to be confined and there is no such folder.
 */
export function chooseStart(
  settings: WorkerSettings,
  workerId: string,
  main: string,
  scratch: string | null,
): WorkerStart {
  if (!settings.confine) return plainStart(main, scratch);
  if (scratch === null)
    throw new Error(`no temporary folder can be made in ${tmpdir()}; free it, or name another by TMPDIR`);
  return confinedStart(settings, workerId, main, scratch);
}
