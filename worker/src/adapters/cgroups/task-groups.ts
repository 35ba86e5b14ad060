/** Control groups for tasks: in the group that a supervisor handed over, else below the one that this process is in. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type GroupLimits, type Layout, layout } from "./layout.ts";
import { counter, givenGroups, type OwnGroups, ownGroups } from "./own-groups.ts";

/** Helper and wrapper are in the group too. */
const OWN_PROCESSES = 4;
const NAME = /^taskfleet-(\d+)-\d+$/;
/** A group is busy until the last of its processes was waited for. */
const REMOVE_TRIES = 100;
const REMOVE_EVERY_MS = 10;

/** The group of one task. */
export class TaskGroup {
  readonly #layout: Layout;

  constructor(made: Layout) {
    this.#layout = made;
  }

  get joins(): readonly string[] {
    return this.#layout.joins;
  }

  /** The limit that was hit, memory before processes. */
  async hit(): Promise<"processes" | "memory" | null> {
    let found: "processes" | "memory" | null = null;
    for (const { limit, file, name } of this.#layout.gauges)
      if (counter(await readFile(file, "utf8").catch(() => ""), name) > 0) found = limit;
    return found;
  }

  async remove(): Promise<void> {
    for (const folder of this.#layout.folders) await removeGroup(folder);
  }
}

async function removeGroup(folder: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return;
      if (code !== "EBUSY" || tries === REMOVE_TRIES) throw error;
      await delay(REMOVE_EVERY_MS);
    }
  }
}

/** v2 bounds no group that holds processes itself: they move to one beside the tasks'. */
async function makeRoom(folder: string): Promise<void> {
  const enable = () => writeFile(join(folder, "cgroup.subtree_control"), "+pids +memory");
  const isEnabled = (await readFile(join(folder, "cgroup.subtree_control"), "utf8")).split(/\s+/);
  if (isEnabled.includes("pids") && isEnabled.includes("memory")) return;
  const beside = join(folder, "taskfleet-workers");
  await mkdir(beside, { recursive: true });
  const pids = (await readFile(join(folder, "cgroup.procs"), "utf8")).split("\n").filter((pid) => pid !== "");
  for (const pid of pids) await writeFile(join(beside, "cgroup.procs"), pid);
  await enable();
}

async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = NAME.exec(name)?.[1];
    if (pid === undefined || (await readFile(`/proc/${pid}/stat`).catch(() => null)) !== null) continue;
    await rmdir(join(folder, name)).catch(() => {});
  }
}

/** Makes groups for the tasks of this process. */
export class TaskGroups {
  readonly #own: OwnGroups;
  #count = 0;

  constructor(own: OwnGroups) {
    this.#own = own;
  }

  get version(): 1 | 2 {
    return this.#own.version;
  }

  async make({ processes, memoryBytes }: GroupLimits): Promise<TaskGroup> {
    const limits = { processes: processes + OWN_PROCESSES, memoryBytes };
    const made = layout(this.#own, `taskfleet-${process.pid}-${this.#count++}`, limits);
    const group = new TaskGroup(made);
    try {
      for (const folder of made.folders) await mkdir(folder);
      for (const { file, value, optional } of made.knobs)
        await writeFile(file, value).catch((error: unknown) => {
          if (!optional) throw error;
        });
      return group;
    } catch (error) {
      await group.remove().catch(() => {});
      throw error;
    }
  }
}

async function findGroups(given: readonly string[]): Promise<OwnGroups | undefined> {
  if (given.length > 0) return givenGroups(given, existsSync);
  const [mountinfo, cgroup] = await Promise.all(
    ["mountinfo", "cgroup"].map((name) => readFile(`/proc/self/${name}`, "utf8")),
  );
  return ownGroups(mountinfo ?? "", cgroup ?? "");
}

/**
 * Groups of a task that this process may really make, or a text that says why it may not. `given`: folders of a group
 * in which it may make them; none: in its own.
 */
export async function openTaskGroups(given: readonly string[]): Promise<TaskGroups | string> {
  try {
    const own = await findGroups(given);
    if (own === undefined) return "no control groups of processes and memory are mounted";
    if (own.version === 2) await makeRoom(own.folder);
    for (const folder of own.version === 2 ? [own.folder] : Object.values(own.folders))
      await removeStale(folder);
    const groups = new TaskGroups(own);
    const trial = await groups.make({ processes: 16, memoryBytes: 16 * 1024 * 1024 });
    await trial.remove();
    return groups;
  } catch (error) {
    return (error as Error).message;
  }
}
