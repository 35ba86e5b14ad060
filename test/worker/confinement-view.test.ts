import assert from "node:assert/strict";
import type { Machine, Means, SecurityProfile } from "../../worker/contract/controls.ts";
import { type Confinement, confiningWords } from "../../worker/src/adapters/confinement/command.ts";
import {
  modulePaths,
  type Places,
  type View,
  viewArguments,
} from "../../worker/src/adapters/confinement/view.ts";

/** A machine with these paths beside those that are asked for; `closed` are folders of mode 0700. */
function places(paths: readonly string[] = [], closed: readonly string[] = []): Places {
  return {
    exists: (path) => paths.includes(path) || paths.includes(`${path}/`),
    isFolder: (path) => paths.includes(`${path}/`),
    isOpen: (folder) => !closed.includes(folder),
  };
}

const VIEW: View = {
  readOnlyRoot: true,
  temporary: "/tmp",
  scratch: "/tmp/taskfleet-worker-1",
  needed: ["/opt/node", "/srv/bundle"],
  writable: [],
  hidden: [],
};
const cover = (path: string) => ["--perms", "0755", "--tmpfs", path];
const folder = (path: string) => ["--perms", "0755", "--dir", path];
const bind = (path: string) => ["--ro-bind", path, path];
const START = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"];
const SCRATCH = ["--bind", "/tmp/taskfleet-worker-1", "/tmp"];
const END = ["--chdir", "/tmp"];

describe("what a confined worker sees", () => {
  it("is the machine, read-only, with its own folder as the temporary one", () => {
    assert.deepEqual(viewArguments(VIEW, places()), [...START, ...SCRATCH, ...END]);
  });

  it("has an empty folder in place of one that its user cannot pass, with the way to what it needs", () => {
    const needed = ["/root/app/.state/bundle", "/root/node/bin/node"];
    assert.deepEqual(viewArguments({ ...VIEW, needed }, places([], ["/root", "/root/app/.state"])), [
      ...START,
      ...cover("/root"),
      ...folder("/root/app"),
      ...folder("/root/app/.state"),
      ...bind("/root/app/.state/bundle"),
      ...folder("/root/node"),
      ...folder("/root/node/bin"),
      ...bind("/root/node/bin/node"),
      ...SCRATCH,
      ...END,
    ]);
  });

  it("has another empty folder in a folder that it needs, where that one's user cannot pass either", () => {
    const needed = ["/tmp/app/.state/bundle", "/tmp/app"];
    assert.deepEqual(viewArguments({ ...VIEW, needed }, places([], ["/tmp/app/.state"])), [
      ...START,
      ...SCRATCH,
      ...bind("/tmp/app"),
      ...cover("/tmp/app/.state"),
      ...bind("/tmp/app/.state/bundle"),
      ...END,
    ]);
  });

  it("keeps what it needs of the covered temporary folder", () => {
    assert.deepEqual(viewArguments({ ...VIEW, needed: ["/tmp/x/bundle"] }, places([], ["/tmp/x"])), [
      ...[...START, ...SCRATCH],
      ...[...folder("/tmp/x"), ...bind("/tmp/x/bundle")],
      ...END,
    ]);
  });

  it("can be written at its control group, and lacks what is hidden", () => {
    const view = { ...VIEW, writable: ["/cg/w"], hidden: ["/s/secrets", "/s/passphrase", "/s/gone"] };
    assert.deepEqual(viewArguments(view, places(["/s/secrets/", "/s/passphrase"])), [
      ...[...START, ...SCRATCH],
      ...["--bind", "/cg/w", "/cg/w", "--tmpfs", "/s/secrets", "--ro-bind", "/dev/null", "/s/passphrase"],
      ...END,
    ]);
  });

  it("is the machine as it is when the root may be written", () => {
    const view = { ...VIEW, readOnlyRoot: false, needed: ["/tmp/x/bundle"], writable: ["/cg/w"] };
    assert.deepEqual(viewArguments(view, places([], ["/tmp/x"])), [
      ...["--dev-bind", "/", "/", "--proc", "/proc"],
      ...[...cover("/tmp/x"), ...bind("/tmp/x/bundle")],
      ...["--chdir", "/tmp/taskfleet-worker-1"],
    ]);
  });
});

describe("what handler modules may import", () => {
  it("is their nearest package, and what is installed above it", () => {
    const found = places(["/srv/a/package.json", "/srv/package.json", "/srv/node_modules/"]);
    assert.deepEqual(modulePaths("/srv/a/handlers", "/tmp", found), ["/srv/a", "/srv/node_modules"]);
  });

  it("is their folder alone without a package", () => {
    assert.deepEqual(modulePaths("/srv/a/handlers", "/tmp", places()), ["/srv/a/handlers"]);
  });

  it("is never all of a folder that the worker's user cannot pass, nor all of the temporary one", () => {
    const found = places(["/root/package.json", "/tmp/package.json", "/root/node_modules/"], ["/root"]);
    assert.deepEqual(modulePaths("/root/handlers", "/tmp", found), ["/root/handlers", "/root/node_modules"]);
    assert.deepEqual(modulePaths("/tmp/handlers", "/tmp", found), ["/tmp/handlers"]);
    const own = places(["/tmp/app/package.json", "/tmp/app/node_modules/"], ["/tmp/app"]);
    assert.deepEqual(modulePaths("/tmp/app/handlers", "/tmp", own), [
      "/tmp/app/handlers",
      "/tmp/app/node_modules",
    ]);
  });
});

const works: Means = { works: true };
const missing: Means = { works: false, reason: "r", wayOut: "w" };
const MACHINE: Machine = {
  uid: 0,
  ...{ setpriv: works, namespaces: works, helper: works, landlock: works },
  ...{ memory: works, pids: works, cpu: works },
};
const PROFILE: SecurityProfile = {
  ...{ uid: 65_532, readOnlyRoot: true, noNewPrivileges: true, dropCapabilities: "all" },
  ...{ seccomp: "runtime/default", pids: 256, memory: 536_870_912, cpu: 0.5 },
};
const GIVEN: Confinement = {
  profile: PROFILE,
  machine: MACHINE,
  joinFiles: [],
  view: ["--view"],
  helper: "/h",
  writable: ["/w"],
};
const words = (machine: Partial<Machine>, changes: Partial<Confinement> = {}) =>
  confiningWords({ ...GIVEN, ...changes, machine: { ...MACHINE, ...machine } });
/** The policy that the helper gets. */
const policy = (all: readonly string[]) => JSON.parse(all[all.indexOf("--policy") + 1] ?? "null");

describe("the words that confine a worker", () => {
  it("join the control group first, then make namespaces, then take the user", () => {
    const all = words({}, { joinFiles: ["/cg/cgroup.procs"] });
    assert.deepEqual(
      all.filter((word) => ["sh", "bwrap", "/h", "/cg/cgroup.procs", "confine"].includes(word)),
      ["sh", "sh", "/cg/cgroup.procs", "bwrap", "/h", "confine"],
    );
    assert.deepEqual(all.slice(all.indexOf("bwrap"), all.indexOf("/h")), [
      ...["bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--info-fd", "5", "--view", "--"],
    ]);
    assert.deepEqual(policy(all), {
      ...{ version: 1, uid: 65_532, gid: 65_532, writable: null, seccomp: "worker", dropCapabilities: true },
    });
    assert.equal(all.at(-1), "--");
  });

  it("make a user namespace for an ordinary user, who stays who it is", () => {
    const all = words({ uid: 1000 });
    const at = all.indexOf("--unshare-user");
    assert.deepEqual(all.slice(at, at + 5), ["--unshare-user", "--uid", "65532", "--gid", "65532"]);
    assert.deepEqual([policy(all).uid, policy(all).gid], [0, 0]);
  });

  it("guard files by Landlock only where there are no namespaces", () => {
    assert.deepEqual(policy(words({ namespaces: missing })).writable, ["/w"]);
    assert.equal(policy(words({ namespaces: missing, landlock: missing })).writable, null);
    const open = { profile: { ...PROFILE, readOnlyRoot: false } };
    assert.equal(policy(words({ namespaces: missing }, open)).writable, null);
  });

  it("take the user by setpriv where there is no helper", () => {
    const user = ["--reuid", "65532", "--regid", "65532", "--clear-groups"];
    const drops = ["--bounding-set=-all", "--inh-caps=-all"];
    assert.deepEqual(words({ namespaces: missing, helper: missing }), [
      ...["setpriv", ...user, ...drops, "--no-new-privs", "--"],
    ]);
    assert.deepEqual(words({ uid: 1000, namespaces: missing, helper: missing }), [
      ...["setpriv", "--no-new-privs", "--"],
    ]);
    assert.deepEqual(words({ namespaces: missing, helper: missing, setpriv: missing }), []);
  });

  it("leave out what the profile does not ask for", () => {
    const relaxed = { seccomp: "unconfined", dropCapabilities: "none", noNewPrivileges: false } as const;
    const profile = { ...PROFILE, ...relaxed };
    const { seccomp, dropCapabilities } = policy(words({}, { profile }));
    assert.deepEqual([seccomp, dropCapabilities], ["none", false]);
    assert.deepEqual(words({ namespaces: missing, helper: missing }, { profile }), [
      ...["setpriv", "--reuid", "65532", "--regid", "65532", "--clear-groups", "--"],
    ]);
  });
});
