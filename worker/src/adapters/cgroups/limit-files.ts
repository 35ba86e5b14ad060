/** What to write into a group's folder so that it is limited. */
import type { Controller } from "./hierarchies.ts";

/** What a group may use at most; what is left out is not limited. */
export interface GroupLimits {
  /** In bytes, without swap. */
  readonly memory?: number;
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

const PERIOD_US = 100_000;
const quota = (cpu: number) => String(Math.round(cpu * PERIOD_US));

const FILES: Readonly<Record<1 | 2, Readonly<Record<Controller, (limit: number) => readonly LimitFile[]>>>> =
  {
    1: {
      memory: (bytes) => [
        { name: "memory.limit_in_bytes", value: String(bytes) },
        // Memory and swap together; never lower than the line above.
        { name: "memory.memsw.limit_in_bytes", value: String(bytes), optional: true },
      ],
      pids: (count) => [{ name: "pids.max", value: String(count) }],
      cpu: (cpus) => [
        { name: "cpu.cfs_period_us", value: String(PERIOD_US) },
        { name: "cpu.cfs_quota_us", value: quota(cpus) },
      ],
    },
    2: {
      memory: (bytes) => [
        { name: "memory.max", value: String(bytes) },
        { name: "memory.swap.max", value: "0", optional: true },
      ],
      pids: (count) => [{ name: "pids.max", value: String(count) }],
      cpu: (cpus) => [{ name: "cpu.max", value: `${quota(cpus)} ${PERIOD_US}` }],
    },
  };

/** The files of one folder, in the order in which they are written. */
export function limitFiles(
  version: 1 | 2,
  controllers: readonly Controller[],
  limits: GroupLimits,
): readonly LimitFile[] {
  return controllers.flatMap((controller) => {
    const limit = limits[controller];
    return limit === undefined ? [] : FILES[version][controller](limit);
  });
}
