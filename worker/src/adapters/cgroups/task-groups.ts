/** Control groups for tasks: in the group that a supervisor handed over, else below the one that this process is in. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { SandboxLimits } from "../../ports/sandbox.ts";
import { ControlGroup } from "./control-group.ts";
import { discard } from "./group-folder.ts";
import { type Controller, findHierarchies } from "./hierarchies.ts";

type TaskLimits = Pick<SandboxLimits, "processes" | "memoryBytes">;

/** Controllers that bound a task. */
const NEEDED: readonly Controller[] = ["pids", "memory"];
/** Helper and wrapper are in the group too. */
const OWN_PROCESSES = 4;
const NAME = /^taskfleet-(\d+)-\d+$/;

/** Another's may only seem to have ended, in a pid namespace of its own: what is in use stays. */
function discardStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) discard(join(parent, name));
  }
}

/** Makes groups for the tasks of this process. */
export class TaskGroups {
  readonly #parent: ControlGroup;
  #count = 0;

  /** `parent`: has the controllers `pids` and `memory`. */
  constructor(parent: ControlGroup) {
    this.#parent = parent;
  }

  make({ processes, memoryBytes }: TaskLimits): ControlGroup {
    return this.#parent.child(`taskfleet-${process.pid}-${this.#count++}`, {
      pids: processes + OWN_PROCESSES,
      memory: memoryBytes,
      killWhole: true,
    });
  }
}

/** The limit of a task's group that was hit, by its name in a task's result. */
export function hitOf(group: ControlGroup): "processes" | "memory" | null {
  const hit = group.hit();
  return hit === "pids" ? "processes" : hit === "memory" ? hit : null;
}

/**
 * Groups of a task that this process may really make, or a text that says why it may not. `given`: folders of a group
 * in which it may make them; none: in its own.
 */
export async function openTaskGroups(given: readonly string[]): Promise<TaskGroups | string> {
  try {
    const whole = given.length > 0 ? ControlGroup.open(given) : ControlGroup.own(findHierarchies());
    const parent = whole.only(NEEDED);
    if (parent.controllers.length < NEEDED.length)
      return "no control groups of processes and memory are mounted";
    parent.makeRoom("taskfleet-workers");
    parent.paths.forEach(discardStale);
    const groups = new TaskGroups(parent);
    await groups.make({ processes: 16, memoryBytes: 16 * 1024 * 1024 }).remove();
    return groups;
  } catch (error) {
    return (error as Error).message;
  }
}
