/**
 * How a worker process is confined, and what of that a machine can enforce. `controlsOf` is the one place that
 * decides; a supervisor acts on it, `up` refuses by it, `status` prints it.
 */

/** The fields of the spec's `security`. */
export const CONTROLS = [
  "uid",
  "readOnlyRoot",
  "noNewPrivileges",
  "dropCapabilities",
  "seccomp",
  "pids",
  "memory",
  "cpu",
] as const;
export type ControlName = (typeof CONTROLS)[number];

/** What is asked for. */
export interface SecurityProfile {
  readonly uid: number;
  readonly readOnlyRoot: boolean;
  readonly noNewPrivileges: boolean;
  readonly dropCapabilities: "all" | "none";
  readonly seccomp: "runtime/default" | "unconfined";
  /** Processes and threads. */
  readonly pids: number;
  /** In bytes. */
  readonly memory: number;
  readonly cpu: number;
}

/** Whether a means works here; where it does not, why, and what to do. */
export type Means =
  | { readonly works: true }
  | { readonly works: false; readonly reason: string; readonly wayOut: string };

/** What was found possible for a process of this user on this machine. */
export interface Machine {
  /** Of the process that starts workers; 0 is root. */
  readonly uid: number;
  /** `setpriv`: another user, no capabilities, no new privileges. */
  readonly setpriv: Means;
  /** `bwrap`: namespaces and a view of the file system of the worker's own. */
  readonly namespaces: Means;
  /** `taskfleet-sandbox`: another user, no capabilities, no new privileges, a seccomp filter. */
  readonly helper: Means;
  /** The same program's rules for files; needs more of the kernel. */
  readonly landlock: Means;
  /** A control group that limits this. */
  readonly memory: Means;
  readonly pids: Means;
  readonly cpu: Means;
}

/** A control that holds. */
export interface EnforcedControl {
  readonly name: ControlName;
  /** In words: `uid 65532`. */
  readonly text: string;
  /** What enforces it: `bubblewrap`. */
  readonly by: string;
}

/** A control that was asked for and cannot be had here. */
export interface LostControl {
  readonly name: ControlName;
  readonly text: string;
  readonly reason: string;
  readonly wayOut: string;
}

export interface Controls {
  readonly enforced: readonly EnforcedControl[];
  readonly lost: readonly LostControl[];
}

type Verdict = { readonly by: string } | { readonly reason: string; readonly wayOut: string };
type Choice = readonly [Means, string];

/** The first means that works; the first one's absence explains a loss. */
function firstOf(first: Choice, ...others: readonly Choice[]): Verdict {
  const working = [first, ...others].find(([found]) => found.works);
  if (working !== undefined) return { by: working[1] };
  const [missing] = first;
  return missing.works ? { by: first[1] } : { reason: missing.reason, wayOut: missing.wayOut };
}

/** What switches a control off is not asked for, and neither enforced nor lost. */
function isAsked(profile: SecurityProfile, name: ControlName): boolean {
  const value = profile[name];
  return value !== false && value !== "none" && value !== "unconfined";
}

const MIB = 1024 ** 2;

const TEXTS: Readonly<Record<ControlName, (profile: SecurityProfile) => string>> = {
  uid: ({ uid }) => `uid ${uid}`,
  readOnlyRoot: () => "read-only root",
  noNewPrivileges: () => "no new privileges",
  dropCapabilities: () => "no capabilities",
  seccomp: () => "seccomp",
  pids: ({ pids }) => `${pids} processes`,
  memory: ({ memory }) => `${Math.round(memory / MIB)} MiB`,
  cpu: ({ cpu }) => `${cpu} CPU`,
};

function judgeUid({ uid }: SecurityProfile, { uid: own, setpriv, helper }: Machine): Verdict {
  if (own === uid) return { by: "who started it" };
  if (own === 0) return firstOf([setpriv, "setpriv"], [helper, "taskfleet-sandbox"]);
  return {
    reason: `workers run as uid ${own}, and only root can take another`,
    wayOut: `run the stack as root or as uid ${uid}`,
  };
}

function judgeCapabilities({ uid, setpriv, helper, namespaces }: Machine): Verdict {
  const identity = [
    [setpriv, "setpriv"],
    [helper, "taskfleet-sandbox"],
  ] as const;
  // Whoever has none cannot come by one without new privileges.
  return uid === 0 ? firstOf(...identity) : firstOf([namespaces, "bubblewrap"], ...identity);
}

const GROUP = "control group";

const JUDGES: Readonly<Record<ControlName, (profile: SecurityProfile, machine: Machine) => Verdict>> = {
  uid: judgeUid,
  readOnlyRoot: (_, { namespaces, landlock }) => firstOf([namespaces, "bubblewrap"], [landlock, "Landlock"]),
  noNewPrivileges: (_, { namespaces, setpriv, helper }) =>
    firstOf([setpriv, "setpriv"], [helper, "taskfleet-sandbox"], [namespaces, "bubblewrap"]),
  dropCapabilities: (_, machine) => judgeCapabilities(machine),
  seccomp: (_, { helper }) => firstOf([helper, "taskfleet-sandbox"]),
  pids: (_, { pids }) => firstOf([pids, GROUP]),
  memory: (_, { memory }) => firstOf([memory, GROUP]),
  cpu: (_, { cpu }) => firstOf([cpu, GROUP]),
};

/** Which of the controls that a profile asks for hold on a machine, and which are lost. */
export function controlsOf(profile: SecurityProfile, machine: Machine): Controls {
  const enforced: EnforcedControl[] = [];
  const lost: LostControl[] = [];
  for (const name of CONTROLS.filter((control) => isAsked(profile, control))) {
    const verdict = JUDGES[name](profile, machine);
    const text = TEXTS[name](profile);
    if ("by" in verdict) enforced.push({ name, text, by: verdict.by });
    else lost.push({ name, text, reason: verdict.reason, wayOut: verdict.wayOut });
  }
  return { enforced, lost };
}

/** All that a profile asks for, where one means enforces every control: `by`, such as `Docker`. */
export function controlsBy(profile: SecurityProfile, by: string): Controls {
  const asked = CONTROLS.filter((control) => isAsked(profile, control));
  return { enforced: asked.map((name) => ({ name, text: TEXTS[name](profile), by })), lost: [] };
}

/** `uid 65532, read-only root; lost: seccomp (taskfleet-sandbox is not installed)` */
export function describeControls({ enforced, lost }: Controls): string {
  const holds = enforced.length === 0 ? "none" : enforced.map(({ text }) => text).join(", ");
  if (lost.length === 0) return holds;
  return `${holds}; lost: ${lost.map(({ text, reason }) => `${text} (${reason})`).join(", ")}`;
}

/** Reads the JSON of `Controls`. Returns `null` for anything else. */
export function parseControls(text: string): Controls | null {
  try {
    const value = JSON.parse(text) as Partial<Controls> | null;
    return Array.isArray(value?.enforced) && Array.isArray(value.lost) ? (value as Controls) : null;
  } catch {
    return null;
  }
}
