/** The words in front of a worker's command that confine it, made of what works here. Pure. */
import type { Machine, SecurityProfile } from "../../../contract/controls.ts";

export interface Confinement {
  readonly profile: SecurityProfile;
  readonly machine: Machine;
  /** Files into which a process writes `0` to join the worker's control group. */
  readonly joinFiles: readonly string[];
  /** Arguments of `bwrap` for the file system, see `view.ts`. */
  readonly view: readonly string[];
  /** Path of `taskfleet-sandbox`. */
  readonly helper: string;
  /** What may be written where Landlock guards the root. */
  readonly writable: readonly string[];
}

/** Descriptor on which `bwrap` says which process it started. */
export const INFO_DESCRIPTOR = 5;

/** `sh` joins before it becomes the rest, so that nothing of the worker is ever outside. */
const JOIN = 'while test "$1" != --; do echo 0 > "$1" || exit 126; shift; done; shift; exec "$@"';

function joined(files: readonly string[]): readonly string[] {
  return files.length === 0 ? [] : ["sh", "-c", JOIN, "sh", ...files, "--"];
}

function namespaced({ machine, profile, view }: Confinement): readonly string[] {
  const { uid } = profile;
  const user = machine.uid === 0 ? [] : ["--unshare-user", "--uid", `${uid}`, "--gid", `${uid}`];
  const own = ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--info-fd", `${INFO_DESCRIPTOR}`];
  return ["bwrap", ...own, ...user, ...view, "--"];
}

/** Only root can take another user; who it is stays as it is for anybody else. */
const newUser = ({ profile, machine }: Confinement) => (machine.uid === 0 ? profile.uid : 0);

function helped(confinement: Confinement): readonly string[] {
  const { profile, machine, helper, writable } = confinement;
  const uid = newUser(confinement);
  const guards = profile.readOnlyRoot && !machine.namespaces.works && machine.landlock.works;
  const policy = {
    version: 1,
    uid,
    gid: uid,
    writable: guards ? writable : null,
    seccomp: profile.seccomp === "unconfined" ? "none" : "worker",
    dropCapabilities: profile.dropCapabilities === "all",
  };
  return [helper, "confine", "--policy", JSON.stringify(policy), "--"];
}

function setpriv(confinement: Confinement): readonly string[] {
  const { profile } = confinement;
  const uid = newUser(confinement);
  const user = uid === 0 ? [] : ["--reuid", `${uid}`, "--regid", `${uid}`, "--clear-groups"];
  const drops = uid !== 0 && profile.dropCapabilities === "all";
  const capabilities = drops ? ["--bounding-set=-all", "--inh-caps=-all"] : [];
  const privileges = profile.noNewPrivileges ? ["--no-new-privs"] : [];
  return ["setpriv", ...user, ...capabilities, ...privileges, "--"];
}

/** From the outside in: control group, namespaces, then user, capabilities and filter. */
export function confiningWords(confinement: Confinement): readonly string[] {
  const { machine, joinFiles } = confinement;
  const identity = machine.helper.works
    ? helped(confinement)
    : machine.setpriv.works
      ? setpriv(confinement)
      : [];
  return [...joined(joinFiles), ...(machine.namespaces.works ? namespaced(confinement) : []), ...identity];
}
