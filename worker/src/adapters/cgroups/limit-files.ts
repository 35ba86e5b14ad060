/** The files of a group's folder, in both versions: what to write to limit it, what to read to see a limit hit. Pure. */
import { CONTROLLERS, type Controller, type Version } from "./hierarchies.ts";

/** What a group may use at most; what is left out is not limited. */
export interface GroupLimits {
  /** In bytes, without swap. */
  readonly memory?: number;
  /** Out of memory, all of it is killed; default: the process that uses most. Version 1 knows this default alone. */
  readonly killWhole?: true;
  /** Processes and threads. */
  readonly pids?: number;
  /** CPUs; 0.5 is half of one. */
  readonly cpu?: number;
}

export interface LimitFile {
  readonly name: string;
  readonly value: string;
  /** Kernels without accounting of swap do not have it. */
  readonly optional?: true;
}

/** A counter that rises when a limit is hit: a line `counter number` of a file. */
interface Hits {
  readonly name: string;
  readonly counter: string;
}

interface ControllerFiles {
  readonly limit: (limit: number, all: GroupLimits) => readonly LimitFile[];
  /** A program that is out of CPU waits: that is no hit. */
  readonly hits?: Hits;
}

const PERIOD_US = 100_000;
const quota = (cpu: number) => String(Math.round(cpu * PERIOD_US));

const PIDS: ControllerFiles = {
  limit: (count) => [{ name: "pids.max", value: String(count) }],
  hits: { name: "pids.events", counter: "max" },
};

const FILES: Readonly<Record<Version, Readonly<Record<Controller, ControllerFiles>>>> = {
  1: {
    memory: {
      limit: (bytes) => [
        { name: "memory.limit_in_bytes", value: String(bytes) },
        // Memory and swap together; never lower than the line above.
        { name: "memory.memsw.limit_in_bytes", value: String(bytes), optional: true },
      ],
      hits: { name: "memory.oom_control", counter: "oom_kill" },
    },
    pids: PIDS,
    cpu: {
      limit: (cpus) => [
        { name: "cpu.cfs_period_us", value: String(PERIOD_US) },
        { name: "cpu.cfs_quota_us", value: quota(cpus) },
      ],
    },
  },
  2: {
    memory: {
      limit: (bytes, { killWhole }) => [
        { name: "memory.max", value: String(bytes) },
        { name: "memory.swap.max", value: "0", optional: true },
        ...(killWhole ? [{ name: "memory.oom.group", value: "1", optional: true } as const] : []),
      ],
      hits: { name: "memory.events", counter: "oom_kill" },
    },
    pids: PIDS,
    cpu: { limit: (cpus) => [{ name: "cpu.max", value: `${quota(cpus)} ${PERIOD_US}` }] },
  },
};

/** The files of one folder, in the order in which they are written. */
export function limitFiles(
  version: Version,
  controllers: readonly Controller[],
  limits: GroupLimits,
): readonly LimitFile[] {
  return controllers.flatMap((controller) => {
    const limit = limits[controller];
    return limit === undefined ? [] : FILES[version][controller].limit(limit, limits);
  });
}

/** The controllers of a folder that has these files. */
export function controllersOf(version: Version, has: (name: string) => boolean): readonly Controller[] {
  return CONTROLLERS.filter((name) =>
    limitFiles(version, [name], { [name]: 1 }).some((file) => has(file.name)),
  );
}

/** Whether the controller's limit was hit; `read` gives the text of a file. */
export function wasHit(version: Version, controller: Controller, read: (name: string) => string): boolean {
  const { hits } = FILES[version][controller];
  return hits !== undefined && counter(read(hits.name), hits.counter) > 0;
}

/** The number after `name` in a file of lines `name number`; 0 when it is not there. */
export function counter(text: string, name: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
