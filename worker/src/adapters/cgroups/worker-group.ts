/**
 * The control group of one worker: `taskfleet-<fleet>/<worker id>`, with the worker in `worker` and, beside it, a
 * group for each task that has one. The worker's own limits do not count for its tasks' groups.
 */
import { createHash } from "node:crypto";
import { existsSync, rmdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine, Means, SecurityProfile } from "../../../contract/controls.ts";
import { ControlGroup } from "./control-group.ts";
import { type Controller, findHierarchies } from "./hierarchies.ts";
import type { GroupLimits } from "./limit-files.ts";

const OWN = "worker";

/** A fleet's groups are named after its run directory, so that every process of it finds them. */
export function fleetGroupName(runDirectory: string): string {
  return `taskfleet-${createHash("sha256").update(runDirectory).digest("hex").slice(0, 12)}`;
}

export interface WorkerGroup {
  /** Which limits hold. */
  readonly found: Pick<Machine, Controller>;
  readonly joinFiles: readonly string[];
  /** Folders in which the worker may make its tasks' groups. */
  readonly paths: readonly string[];
}

const WORKS: Means = { works: true };

function missing(reason: string): Means {
  return { works: false, reason, wayOut: "run the stack as root where control groups are mounted writable" };
}

/** The system's words behind the error code: `EACCES: permission denied, mkdir '...'`. */
function unavailable(reason: string | undefined): Means {
  if (process.getuid?.() !== 0) return missing("no control group: not root");
  return missing(
    reason === undefined ? "no control group has this controller" : `no control group: ${reason}`,
  );
}

/**
 * Sets one limit at a time, so that one that is refused leaves the others. The worker may make groups in `whole`
 * as it likes: what all of them use together is bounded there, by root.
 */
function limited(
  { whole, own }: { readonly whole: ControlGroup; readonly own: ControlGroup },
  profile: SecurityProfile,
  tasks: GroupLimits,
  name: Controller,
): Means {
  if (!own.controllers.includes(name)) return unavailable(undefined);
  try {
    own.limit({ [name]: profile[name] });
    const share = tasks[name];
    if (share !== undefined) whole.limit({ [name]: profile[name] + share });
    return WORKS;
  } catch (error) {
    return unavailable(error instanceof Error ? error.message : String(error));
  }
}

/** Folders of a worker's group that are there. */
function pathsOf(runDirectory: string, workerId: string): readonly string[] {
  const name = join(fleetGroupName(runDirectory), workerId);
  return findHierarchies().flatMap(({ parents }) =>
    parents.map((parent) => join(parent, name)).filter(existsSync),
  );
}

/**
 * Kills what is left in a worker's group and removes it, and the fleet's group with the last one. Does nothing
 * where there is none.
 */
export async function removeWorkerGroup(runDirectory: string, workerId: string): Promise<void> {
  const paths = pathsOf(runDirectory, workerId);
  await ControlGroup.open(paths).remove();
  for (const path of paths) {
    try {
      rmdirSync(dirname(path));
    } catch {
      // Other workers are in it, or somebody was faster.
    }
  }
}

function makeGroups(runDirectory: string, workerId: string, reasons: Map<Controller, string>) {
  const fleet = ControlGroup.make(findHierarchies(), fleetGroupName(runDirectory), (controllers, reason) => {
    for (const name of controllers) reasons.set(name, reason);
  });
  const whole = fleet.child(workerId);
  return { whole, own: whole.child(OWN) };
}

/**
 * Makes and limits the group of a worker; where that does not work `found` says why. `tasks`: what the groups of
 * its tasks may use together, beside it.
 */
export function makeWorkerGroup(
  runDirectory: string,
  workerId: string,
  profile: SecurityProfile,
  tasks: GroupLimits,
): WorkerGroup {
  const reasons = new Map<Controller, string>();
  const make = () => makeGroups(runDirectory, workerId, reasons);
  let groups: ReturnType<typeof make>;
  try {
    groups = make();
  } catch {
    // The last worker's end has just taken the fleet's group away.
    groups = make();
  }
  const { whole, own } = groups;
  const find = (name: Controller) =>
    reasons.has(name) ? unavailable(reasons.get(name)) : limited(groups, profile, tasks, name);
  const found = { memory: find("memory"), pids: find("pids"), cpu: find("cpu") };
  if (process.getuid?.() === 0) whole.delegate(profile.uid, profile.uid);
  return { found, joinFiles: own.joinFiles, paths: whole.paths };
}
