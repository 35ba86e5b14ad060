import type { Controls } from "../../worker/contract/controls.ts";
import type { TargetName } from "../spec/defaults.ts";
import { CONFINEMENTS, type Demand, type Feature } from "../spec/features.ts";
import type { ResolvedFleet } from "../spec/resolve.ts";

/** Whether a target enforces a feature, and what to know where it does not. */
export type Capability =
  | { readonly enforced: true }
  | {
      /** The machine decides; what it lacks is found before anything is changed. */
      readonly enforced: "where possible";
      /** What the machine must offer. */
      readonly needs: string;
      /** What limits the damage where it does not. */
      readonly compensation: string;
    }
  | {
      readonly enforced: false;
      readonly reason: string;
      /** What limits the damage instead. */
      readonly compensation: string;
      /** What to ask for in its place. */
      readonly nearest: string;
    };

const controlGroup = "root, and control groups (version 1 or 2) that it may make";

/** What each target enforces. The one place where targets differ in ability. */
export const CAPABILITIES: Readonly<Record<TargetName, Readonly<Record<Feature, Capability>>>> = {
  local: {
    uid: {
      enforced: "where possible",
      needs: "root, which alone can start a process of another user",
      compensation: "workers of an ordinary user run in a user namespace, which reaches no process outside",
    },
    readOnlyRoot: {
      enforced: "where possible",
      needs: "bubblewrap and namespaces, or the helper taskfleet-sandbox and a kernel with Landlock",
      compensation: "the user that workers run as may write little outside its own folders",
    },
    noNewPrivileges: {
      enforced: "where possible",
      needs: "setpriv (util-linux), bubblewrap or taskfleet-sandbox",
      compensation: "no set-user-id program is needed by a task",
    },
    dropCapabilities: {
      enforced: "where possible",
      needs: "setpriv (util-linux) or taskfleet-sandbox; for an ordinary user, no new privileges",
      compensation: "an ordinary user's process has no capabilities to drop",
    },
    seccomp: {
      enforced: "where possible",
      needs: "the helper taskfleet-sandbox, which the set-up builds where there is Go",
      compensation: "tasks are the developer's own; untrusted programs are refused without the helper",
    },
    pids: {
      enforced: "where possible",
      needs: controlGroup,
      compensation: "scaling.max and worker.concurrency bound how many tasks run at once",
    },
    memory: {
      enforced: "where possible",
      needs: controlGroup,
      compensation: "redis.maxMemory bounds the queue, scaling.max the number of workers",
    },
    cpu: {
      enforced: "where possible",
      needs: controlGroup,
      compensation: "scaling.max bounds the number of workers",
    },
    gpu: {
      enforced: false,
      reason: "a plain process cannot be given a GPU of its own",
      compensation: "none: a worker sees every device that its user may open",
      nearest: "a class of its own without `gpu`; its handlers choose the device",
    },
    // By the worker itself, see docs/sandbox.md.
    untrustedExecute: { enforced: true },
    publishedApi: {
      enforced: false,
      reason: "its API serves this machine alone",
      compensation: "none is needed: nothing of the stack can be reached from outside",
      nearest: "leave api.host out and put a proxy of yours before it, or use the target compose",
    },
    sandboxBroker: { enforced: true },
    secretFiles: { enforced: true },
    loopbackCollector: { enforced: true },
  },
  // By Docker's engine, for every service.
  compose: {
    uid: { enforced: true },
    readOnlyRoot: { enforced: true },
    noNewPrivileges: { enforced: true },
    dropCapabilities: { enforced: true },
    seccomp: { enforced: true },
    pids: { enforced: true },
    memory: { enforced: true },
    cpu: { enforced: true },
    gpu: { enforced: true },
    // By the worker itself, see docs/sandbox.md.
    untrustedExecute: { enforced: true },
    publishedApi: { enforced: true },
    sandboxBroker: {
      enforced: false,
      reason: "the broker holds the engine's socket, and a worker's container sees no socket of its host",
      compensation: "the container's own sandbox is Landlock and seccomp inside a hardened container",
      nearest: 'execute.backEnd: "auto", the sandbox that the worker makes itself',
    },
    secretFiles: {
      enforced: false,
      reason: "a container does not see the files of the engine's host",
      compensation: "none is needed: the config's own secrets reach workers as a file",
      nearest: "taskfleet:secrets in the stack's config, or a source of aws:, gcp: or vault:",
    },
    loopbackCollector: {
      enforced: false,
      reason: "the loopback of a container is its own, and no collector listens there",
      compensation: "none: spans would be lost",
      nearest: "tracing.otlpEndpoint with the collector's address as containers reach it",
    },
  },
};

/** Why a demand is refused, and what to do instead. */
interface Refusal {
  readonly reason: string;
  readonly nearest: string;
}

/** A confinement may be left to the operator, when the spec says so by name; anything else may not. */
function acceptance(feature: Feature): string {
  const acceptable = CONFINEMENTS.some((confinement) => confinement === feature);
  return acceptable ? `, or accept it by security.acceptUnenforced: ["${feature}"]` : "";
}

/** The spec demands what the target cannot do; `unsupported` holds every such demand. */
export class UnsupportedError extends Error {
  readonly target: TargetName;
  readonly unsupported: readonly Demand[];

  constructor(target: TargetName, refused: readonly (readonly [Demand, Refusal])[]) {
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

function refusalOf(
  capability: Capability,
  feature: Feature,
  found: Controls | undefined,
): Refusal | undefined {
  if (capability.enforced === true) return undefined;
  if (capability.enforced === false) return capability;
  const lost = found?.lost.find(({ name }) => name === feature);
  return lost === undefined ? undefined : { reason: lost.reason, nearest: lost.wayOut };
}

/**
 * Throws `UnsupportedError` when the spec demands what this target cannot do. `found`: what this machine can
 * enforce, where the target leaves that to the machine.
 */
export function refuseUnsupported(fleet: ResolvedFleet, target: TargetName, found?: Controls): void {
  const refused = fleet.demands.flatMap((demand) => {
    const refusal = refusalOf(CAPABILITIES[target][demand.feature], demand.feature, found);
    return refusal === undefined ? [] : [[demand, refusal] as const];
  });
  if (refused.length > 0) throw new UnsupportedError(target, refused);
}
