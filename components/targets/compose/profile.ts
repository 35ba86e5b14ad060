/** How every container of the project is confined: one profile, filled in from `footprints.ts`. */
import type { SecurityProfile } from "../../../worker/contract/controls.ts";
import { FOOTPRINTS, type Footprint, type Part, WORKER_RESERVATION } from "./footprints.ts";
import type { Hardening } from "./service.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** As Compose writes sizes: `512m`, `2g`. */
export function composeSize(bytes: number): string {
  if (bytes % GIB === 0) return `${bytes / GIB}g`;
  return bytes % MIB === 0 ? `${bytes / MIB}m` : `${bytes}b`;
}

/** What the spec may relax, for its workers alone. */
type Switches = Pick<SecurityProfile, "readOnlyRoot" | "noNewPrivileges" | "dropCapabilities" | "seccomp">;

const STRICT: Switches = {
  readOnlyRoot: true,
  noNewPrivileges: true,
  dropCapabilities: "all",
  seccomp: "runtime/default",
};

interface Shape extends Omit<Footprint, "reason"> {
  readonly user: string;
  readonly memory: number;
  readonly switches: Switches;
  readonly replicas?: number | undefined;
  readonly gpu?: number;
}

/** The profile itself. Memory and swap together are the memory limit: there is no swap. */
function harden(shape: Shape): Hardening {
  const { user, cpus, memory, pids, switches, replicas, gpu = 0 } = shape;
  const devices = [{ driver: "nvidia", count: gpu, capabilities: ["gpu"] }] as const;
  return {
    user,
    read_only: switches.readOnlyRoot,
    ...(switches.dropCapabilities === "all" ? { cap_drop: ["ALL"] } : {}),
    // Docker's own filter of system calls needs no word; only its absence does.
    security_opt: [
      ...(switches.noNewPrivileges ? ["no-new-privileges:true"] : []),
      ...(switches.seccomp === "unconfined" ? ["seccomp=unconfined"] : []),
    ],
    tmpfs: [`/tmp:size=${composeSize(shape.scratch)},mode=1777`],
    pids_limit: pids,
    memswap_limit: composeSize(memory),
    deploy: {
      ...(replicas === undefined ? {} : { replicas }),
      resources: {
        limits: { cpus: String(cpus), memory: composeSize(memory), pids },
        reservations: {
          memory: composeSize(Math.min(shape.reservation, memory)),
          ...(gpu > 0 ? { devices } : {}),
        },
      },
    },
  };
}

/** A worker is confined as the spec's `security` says; that alone can be relaxed. */
export function hardenWorker(security: SecurityProfile, gpu: number): Hardening {
  const { uid, cpu, memory, pids } = security;
  return harden({
    user: `${uid}:${uid}`,
    cpus: cpu,
    memory,
    reservation: WORKER_RESERVATION,
    pids,
    scratch: Math.floor(memory / 2),
    switches: security,
    gpu,
  });
}

/** Who a service runs as, its memory limit in bytes, and how many there are where Compose keeps the number. */
export interface Person {
  readonly user: string;
  readonly memory: number;
  readonly replicas?: number;
}

/** Every other service, whatever the spec allows its workers. */
export function hardenPart(part: Part, { user, memory, replicas }: Person): Hardening {
  return harden({ ...FOOTPRINTS[part], user, memory, replicas, switches: STRICT });
}
