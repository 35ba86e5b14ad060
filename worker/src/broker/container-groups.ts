/** What the control groups of a container tell, where this user may read them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ControlGroup } from "../adapters/cgroups/control-group.ts";
import { folderOf, parseHierarchies } from "../adapters/cgroups/hierarchies.ts";
import { counter } from "../adapters/cgroups/limit-files.ts";
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

const REASONS = { pids: "processes", memory: "memory", cpu: null } as const;

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function clockOf(mountinfo: string, cgroup: string, unified: string | undefined): Clock | undefined {
  if (unified !== undefined)
    return { file: join(unified, "cpu.stat"), read: (text) => counter(text, "usage_usec") / 1000 };
  const folder = folderOf(mountinfo, cgroup, "cpuacct");
  return folder === null
    ? undefined
    : { file: join(folder, "cpuacct.usage"), read: (text) => Number(text) / 1_000_000 };
}

/** `undefined` where they cannot be seen. */
export async function containerGroups({
  Id,
  Pid,
}: Pick<ContainerState, "Id" | "Pid">): Promise<ContainerGroups | undefined> {
  const [mountinfo, cgroup] = [read("/proc/self/mountinfo"), read(`/proc/${Pid}/cgroup`)];
  // Of a daemon elsewhere the process id is another's here.
  if (!cgroup.includes(Id)) return undefined;
  const hierarchies = parseHierarchies(mountinfo, cgroup, (point) => read(join(point, "cgroup.controllers")));
  const bounding = hierarchies.filter(
    ({ own, controllers }) => own !== null && controllers.some((name) => name !== "cpu"),
  );
  const clock = clockOf(mountinfo, cgroup, bounding.find(({ version }) => version === 2)?.own ?? undefined);
  if (bounding.length === 0 || clock === undefined) return undefined;
  const group = ControlGroup.own(bounding);
  return {
    hit: async () => {
      const controller = group.hit();
      return controller === null ? null : REASONS[controller];
    },
    cpuMs: async () => {
      const text = read(clock.file);
      return text === "" ? undefined : clock.read(text);
    },
  };
}
