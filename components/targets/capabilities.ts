import type { TargetName } from "../spec/defaults.ts";
import { CONFINEMENTS, type Demand, type Feature } from "../spec/features.ts";
import type { ResolvedFleet } from "../spec/resolve.ts";

/** Whether a target enforces a feature, and what to know where it does not. */
export type Capability =
  | { readonly enforced: true }
  | {
      readonly enforced: false;
      readonly reason: string;
      /** What limits the damage instead. */
      readonly compensation: string;
      /** What to ask for in its place. */
      readonly nearest: string;
    };

const ownUser = "a worker is a plain process of the user who ran the stack";
const noControlGroup = "no control group is made for a plain process";

/** What each target enforces. The one place where targets differ in ability. */
export const CAPABILITIES: Readonly<Record<TargetName, Readonly<Record<Feature, Capability>>>> = {
  local: {
    uid: {
      enforced: false,
      reason: ownUser,
      compensation: "nothing listens beyond loopback, and secrets are files that only this user may read",
      nearest: "run the stack as an unprivileged user",
    },
    readOnlyRoot: {
      enforced: false,
      reason: "a plain process sees the machine's own file system",
      compensation: "the fleet's own files are all under one folder, and programs run in scratch folders",
      nearest: "run the stack as a user who may write only there",
    },
    noNewPrivileges: {
      enforced: false,
      reason: ownUser,
      compensation: "tasks are the developer's own, and no setuid program is needed",
      nearest: "run the stack under `setpriv --no-new-privs`",
    },
    dropCapabilities: {
      enforced: false,
      reason: ownUser,
      compensation: "an ordinary user's process has no capabilities to drop",
      nearest: "run the stack as an unprivileged user",
    },
    seccomp: {
      enforced: false,
      reason: "a plain process is started without a filter",
      compensation: "tasks are the developer's own",
      nearest: '"unconfined"',
    },
    pids: {
      enforced: false,
      reason: noControlGroup,
      compensation: "scaling.max and worker.concurrency bound how many tasks run at once",
      nearest: "a lower scaling.max or worker.concurrency, or `ulimit -u` in the shell that runs the stack",
    },
    memory: {
      enforced: false,
      reason: noControlGroup,
      compensation: "redis.maxMemory bounds the queue, scaling.max the number of workers",
      nearest: "a lower scaling.max",
    },
    cpu: {
      enforced: false,
      reason: noControlGroup,
      compensation: "scaling.max bounds the number of workers",
      nearest: "a lower scaling.max",
    },
    gpu: {
      enforced: false,
      reason: "a plain process cannot be given a GPU of its own",
      compensation: "none: a worker sees every device that its user may open",
      nearest: "a class of its own without `gpu`; its handlers choose the device",
    },
    // By the worker itself, see docs/sandbox.md.
    untrustedExecute: { enforced: true },
  },
};

type Unenforced = Extract<Capability, { enforced: false }>;

/** A confinement may be left to the operator, when the spec says so by name; anything else may not. */
function acceptance(feature: Feature): string {
  const acceptable = CONFINEMENTS.some((confinement) => confinement === feature);
  return acceptable ? `, or accept it by security.acceptUnenforced: ["${feature}"]` : "";
}

/** The spec demands what the target cannot do; `unsupported` holds every such demand. */
export class UnsupportedError extends Error {
  readonly target: TargetName;
  readonly unsupported: readonly Demand[];

  constructor(target: TargetName, refused: readonly (readonly [Demand, Unenforced])[]) {
    const lines = refused.map(
      ([{ feature, path, value }, { reason, nearest }]) =>
        `  ${path}: ${value} (${feature}): ${reason}. Nearest: ${nearest}${acceptance(feature)}.`,
    );
    super(`target "${target}" cannot do what the spec demands:\n${lines.join("\n")}`);
    this.name = "UnsupportedError";
    this.target = target;
    this.unsupported = refused.map(([demand]) => demand);
  }
}

/** Throws `UnsupportedError` when the spec demands what this target cannot do. */
export function refuseUnsupported(fleet: ResolvedFleet, target: TargetName): void {
  const refused = fleet.demands.flatMap((demand) => {
    const capability = CAPABILITIES[target][demand.feature];
    return capability.enforced ? [] : [[demand, capability] as const];
  });
  if (refused.length > 0) throw new UnsupportedError(target, refused);
}
