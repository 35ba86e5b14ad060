/** What the control groups of a container tell, where this user may read them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { layout } from "../adapters/cgroups/layout.ts";
import { counter, folderOfController, ownGroups } from "../adapters/cgroups/own-groups.ts";
import { TaskGroup } from "../adapters/cgroups/task-groups.ts";
import type { ContainerState } from "./docker.ts";

export interface ContainerGroups {
  /** The limit that was hit. */
  hit(): Promise<"processes" | "memory" | null>;
  /** Processor time of all its processes so far. */
  cpuMs(): Promise<number | undefined>;
}

/** Where processor time is counted, and in what. */
interface Clock {
  readonly file: string;
  read(text: string): number;
}

function clockOf(mountinfo: string, cgroup: string, unified: string | undefined): Clock | undefined {
  if (unified !== undefined)
    return { file: join(unified, "cpu.stat"), read: (text) => counter(text, "usage_usec") / 1000 };
  const folder = folderOfController(mountinfo, cgroup, "cpuacct");
  return folder === undefined
    ? undefined
    : { file: join(folder, "cpuacct.usage"), read: (text) => Number(text) / 1_000_000 };
}

/** `undefined` where they cannot be seen. */
export async function containerGroups({
  Id,
  Pid,
}: Pick<ContainerState, "Id" | "Pid">): Promise<ContainerGroups | undefined> {
  const read = (path: string) => readFile(path, "utf8").catch(() => "");
  const [mountinfo, cgroup] = await Promise.all([read("/proc/self/mountinfo"), read(`/proc/${Pid}/cgroup`)]);
  // Of a daemon elsewhere the process id is another's here.
  if (!cgroup.includes(Id)) return undefined;
  const own = ownGroups(mountinfo, cgroup);
  const clock = own && clockOf(mountinfo, cgroup, own.version === 2 ? own.folder : undefined);
  if (own === undefined || clock === undefined) return undefined;
  const group = new TaskGroup(layout(own, ".", { processes: 0, memoryBytes: 0 }));
  return {
    hit: () => group.hit(),
    cpuMs: async () => {
      const text = await read(clock.file);
      return text === "" ? undefined : clock.read(text);
    },
  };
}
