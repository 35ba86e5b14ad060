/** Gathers the facts of a local stack's workers, which are processes of this machine. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Controls, parseControls } from "../../worker/contract/controls.ts";
import { isRunFileName, parseRunFile, type RunFile, workerOf } from "../../worker/contract/run-file.ts";
import type { HostShell } from "../hosts/compose/host-shell.ts";
import { isAlive } from "../hosts/process-identity.ts";
import { lookAtProcesses } from "./containers.ts";
import type { Subject } from "./facts.ts";

interface Worker {
  readonly id: string;
  /** Worker class. */
  readonly service: string;
  readonly pid: number;
}

/** `run`, and `run-<class>` of every further class. */
function runFolders(run: string): readonly string[] {
  const parent = dirname(run);
  const names = existsSync(parent) ? readdirSync(parent) : [];
  const own = basename(run);
  return names.filter((name) => name === own || name.startsWith(`${own}-`)).map((name) => join(parent, name));
}

function readRunFiles(folder: string): readonly RunFile[] {
  return readdirSync(folder)
    .filter(isRunFileName)
    .flatMap((name) => {
      try {
        return parseRunFile(readFileSync(join(folder, name), "utf8")) ?? [];
      } catch (error) {
        // It ended meanwhile.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    });
}

function runningWorkers(run: string): readonly Worker[] {
  return runFolders(run).flatMap((folder) =>
    readRunFiles(folder).flatMap((file) => {
      const identity = workerOf(file);
      if (identity === null || !isAlive(identity)) return [];
      const service = folder === run ? "worker" : basename(folder).slice(basename(run).length + 1);
      return [{ id: file.worker_id, service, pid: identity.pid }];
    }),
  );
}

/** The running workers of a stack, by id. `controls`: JSON of what `up` found, "" for nothing. */
export async function gatherWorkers(
  shell: HostShell,
  run: string,
  controls: string,
): Promise<readonly Subject[]> {
  const workers = runningWorkers(run).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (workers.length === 0) return [];
  const found = await lookAtProcesses(
    shell,
    workers.map(({ pid }) => pid),
  );
  const known: Controls | null = parseControls(controls);
  return workers.flatMap(({ id: name, service, pid }) => {
    const kernel = found.byPid.get(pid);
    if (kernel === undefined || !kernel.alive) return [];
    const apart = { hostNamespaces: found.host, engine: null, attempts: null };
    return [{ name, service, pid, kernel, ...apart, controls: known }];
  });
}
