import { DEFAULTS } from "./defaults.ts";
import { CONFINEMENTS, type Confinement, type Demand } from "./features.ts";
import type { Bounds, Section } from "./section.ts";

export interface ResolvedSecurity {
  readonly uid: number;
  readonly readOnlyRoot: boolean;
  readonly noNewPrivileges: boolean;
  readonly dropCapabilities: "all" | "none";
  readonly seccomp: "runtime/default" | "unconfined";
  readonly pids: number;
  /** In bytes. */
  readonly memory: number;
  readonly cpu: number;
  readonly acceptUnenforced: readonly Confinement[];
  /** What is written down as such and asks for confinement; a default is no demand. */
  readonly demands: readonly Demand[];
}

const PIDS: Bounds = { min: 16, max: 32_768, unit: "count", whole: true };
const MEMORY: Bounds = { min: 64 * 1024 ** 2, max: 4 * 1024 ** 4, unit: "bytes", whole: true };
const CPU: Bounds = { min: 0.05, max: 256, unit: "count", whole: false };
/** 0 is root, which no worker runs as. */
const UID: Bounds = { min: 1, max: 4_294_967_294, unit: "count", whole: true };
/** Values that switch a control off ask nothing of the target. */
const RELAXED: readonly unknown[] = [false, "none", "unconfined"];

export function resolveSecurity(section: Section): ResolvedSecurity {
  const { security } = DEFAULTS;
  const profile = {
    uid: section.number("uid", UID, security.uid),
    readOnlyRoot: section.flag("readOnlyRoot", security.readOnlyRoot),
    noNewPrivileges: section.flag("noNewPrivileges", security.noNewPrivileges),
    dropCapabilities: section.choice("dropCapabilities", ["all", "none"], security.dropCapabilities),
    seccomp: section.choice("seccomp", ["runtime/default", "unconfined"], security.seccomp),
    pids: section.number("pids", PIDS, security.pids),
    memory: section.number("memory", MEMORY, security.memory),
    cpu: section.number("cpu", CPU, security.cpu),
  };
  const acceptUnenforced = section.choices("acceptUnenforced", CONFINEMENTS);
  section.finish();
  const demands = CONFINEMENTS.map((feature) => ({
    feature,
    path: section.at(feature),
    written: section.raw(feature),
  }))
    .filter(({ written }) => written !== undefined && !RELAXED.includes(written))
    .filter(({ feature }) => !acceptUnenforced.includes(feature))
    .map(({ feature, path, written }): Demand => ({ feature, path, value: String(written) }));
  return Object.freeze({ ...profile, acceptUnenforced, demands: Object.freeze(demands) });
}
