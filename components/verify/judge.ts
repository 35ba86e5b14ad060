/** Which controls of a container or worker process hold. Pure: facts in, verdicts out. */
import type { ControlName } from "../../worker/contract/controls.ts";
import type { ProcessFacts, Subject } from "./facts.ts";
import { judgeMounts, judgeNamespaces, judgePrivileged, judgeSocket } from "./judge-view.ts";
import { type Finding, failed, none, ok, unknown, VERIFIED, type Verdict, type Verified } from "./verdict.ts";

const CAPABILITY_SETS = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const;
/** Version 1 writes "no limit" as the largest number of pages. */
const NO_LIMIT = 2n ** 62n;
const MIB = 1024n ** 2n;

const nameOf = ({ pid, status }: ProcessFacts) => `process ${pid} (${status.Name ?? "?"})`;

/** The processes that were there long enough to be read. */
function readable({ kernel }: Subject): readonly ProcessFacts[] {
  return kernel.processes.filter(({ status }) => status.Uid !== undefined);
}

/** `bad`: what is wrong with one process; undefined: nothing. */
function ofAll(
  subject: Subject,
  found: (processes: readonly ProcessFacts[]) => string,
  bad: (process: ProcessFacts) => string | undefined,
): Finding {
  const processes = readable(subject);
  if (processes.length === 0) return unknown(`/proc/${subject.pid}/status cannot be read`);
  for (const process of processes) {
    const problem = bad(process);
    if (problem !== undefined) return failed(problem, `${nameOf(process)} has ${problem}`);
  }
  return ok(found(processes));
}

const idsOf = ({ status }: ProcessFacts) => (status.Uid ?? "").split(/\s+/);

function judgeUid(subject: Subject): Finding {
  return ofAll(
    subject,
    (processes) => [...new Set(processes.flatMap(idsOf))].join(", "),
    (process) => (idsOf(process).includes("0") ? "uid 0" : undefined),
  );
}

function judgeCapabilities(subject: Subject): Finding {
  return ofAll(
    subject,
    () => "none",
    ({ status }) => {
      const full = CAPABILITY_SETS.find((set) => !/^0+$/.test(status[set] ?? ""));
      return full === undefined ? undefined : `${full} ${status[full] ?? "unreadable"}`;
    },
  );
}

function judgeField(subject: Subject, field: string, wanted: string, words: string): Finding {
  return ofAll(
    subject,
    () => words,
    ({ status }) => (status[field] === wanted ? undefined : `${field} ${status[field] ?? "unreadable"}`),
  );
}

function smallest(limits: readonly string[]): bigint | undefined {
  const numbers = limits.filter((text) => /^\d+$/.test(text)).map(BigInt);
  const real = numbers.filter((number) => number < NO_LIMIT);
  return real.length === 0 ? undefined : real.reduce((one, other) => (one < other ? one : other));
}

function judgeLimit(limits: readonly string[], what: string, show: (limit: bigint) => string): Finding {
  if (limits.length === 0) return unknown(`its control group's limit of ${what} cannot be read`);
  const limit = smallest(limits);
  return limit === undefined
    ? failed("no limit", `its control group has no limit of ${what}`)
    : ok(show(limit));
}

function judgeAttempts({ attempts }: Subject): Finding {
  if (attempts === null) return none;
  const done = attempts.filter(({ end }) => end === "done").map(({ name }) => name);
  if (done.length > 0) return failed(done.join(", "), `a program in it was let do: ${done.join(", ")}`);
  const refused = attempts.filter(({ end }) => end === "refused").map(({ name }) => name);
  return refused.length === 0 ? none : ok(`${refused.length} refused`);
}

const JUDGES: Readonly<Record<Verified, (subject: Subject) => Finding>> = {
  uid: judgeUid,
  capabilities: judgeCapabilities,
  noNewPrivileges: (subject) => judgeField(subject, "NoNewPrivs", "1", "yes"),
  seccomp: (subject) => judgeField(subject, "Seccomp", "2", "filter"),
  readOnlyRoot: judgeMounts,
  pids: ({ kernel }) => judgeLimit(kernel.pids, "processes", String),
  memory: ({ kernel }) => judgeLimit(kernel.memory, "memory", (bytes) => `${bytes / MIB} MiB`),
  namespaces: judgeNamespaces,
  engineSocket: judgeSocket,
  privileged: judgePrivileged,
  attempts: judgeAttempts,
};

/** The contract's names of what is judged here. */
const CONTROL_OF: Partial<Readonly<Record<Verified, ControlName>>> = {
  uid: "uid",
  capabilities: "dropCapabilities",
  noNewPrivileges: "noNewPrivileges",
  seccomp: "seccomp",
  readOnlyRoot: "readOnlyRoot",
  pids: "pids",
  memory: "memory",
};

/** What `up` said of a control that does not hold counts. */
function withControls(verdict: Verdict, { controls }: Subject): Verdict {
  const name = CONTROL_OF[verdict.control];
  if (controls === null || name === undefined || verdict.state === "ok") return verdict;
  const lost = controls.lost.find((control) => control.name === name);
  if (lost !== undefined) return { ...verdict, state: "lost", why: `${lost.reason}: ${lost.wayOut}` };
  const enforced = controls.enforced.find((control) => control.name === name);
  if (enforced === undefined)
    return { ...verdict, why: `${verdict.why}: the spec's security switches it off` };
  // Its rules are no mount, and the kernel shows them nowhere.
  if (name === "readOnlyRoot" && enforced.by === "Landlock")
    return {
      ...verdict,
      state: "unknown",
      found: "Landlock",
      why: "Landlock guards it, which /proc does not show",
    };
  return verdict;
}

/** The verdicts on all controls, in their order. */
export function judge(subject: Subject): readonly Verdict[] {
  return VERIFIED.map((control) => withControls({ control, ...JUDGES[control](subject) }, subject));
}

/** What is proven not to hold, or not proven. */
export function problemsOf(verdicts: readonly Verdict[]): readonly Verdict[] {
  return verdicts.filter(({ state }) => state === "failed" || state === "unknown");
}
