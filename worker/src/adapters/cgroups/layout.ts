/** Files and values of a task's group, for both versions of control groups. Pure. */
import { join } from "node:path";
import type { OwnGroups } from "./own-groups.ts";

export interface GroupLimits {
  readonly processes: number;
  readonly memoryBytes: number;
}

/** A file to write; optional ones are not on every kernel. */
export interface Knob {
  readonly file: string;
  readonly value: string;
  readonly optional: boolean;
}

/** A counter that rises when a limit is hit. */
export interface Gauge {
  readonly limit: "processes" | "memory";
  readonly file: string;
  readonly name: string;
}

export interface Layout {
  /** To be made and removed. */
  readonly folders: readonly string[];
  /** Written in this order. */
  readonly knobs: readonly Knob[];
  /** Where a process id is written to join. */
  readonly joins: readonly string[];
  readonly gauges: readonly Gauge[];
}

const knob = (folder: string, name: string, value: number, optional = false): Knob => ({
  file: join(folder, name),
  value: String(value),
  optional,
});

export function layout(own: OwnGroups, name: string, { processes, memoryBytes }: GroupLimits): Layout {
  if (own.version === 2) {
    const folder = join(own.folder, name);
    return {
      folders: [folder],
      knobs: [
        knob(folder, "pids.max", processes),
        knob(folder, "memory.max", memoryBytes),
        knob(folder, "memory.swap.max", 0, true),
        knob(folder, "memory.oom.group", 1, true),
      ],
      joins: [join(folder, "cgroup.procs")],
      gauges: [
        { limit: "processes", file: join(folder, "pids.events"), name: "max" },
        { limit: "memory", file: join(folder, "memory.events"), name: "oom_kill" },
      ],
    };
  }
  const [pids, memory] = [join(own.folders.pids, name), join(own.folders.memory, name)];
  return {
    folders: [pids, memory],
    knobs: [
      knob(pids, "pids.max", processes),
      knob(memory, "memory.limit_in_bytes", memoryBytes),
      // With swap counted in; there where the kernel counts swap.
      knob(memory, "memory.memsw.limit_in_bytes", memoryBytes, true),
    ],
    joins: [join(pids, "cgroup.procs"), join(memory, "cgroup.procs")],
    gauges: [
      { limit: "processes", file: join(pids, "pids.events"), name: "max" },
      { limit: "memory", file: join(memory, "memory.oom_control"), name: "oom_kill" },
    ],
  };
}
