import assert from "node:assert/strict";
import {
  CONTROLS,
  controlsOf,
  describeControls,
  type Machine,
  type Means,
  parseControls,
  type SecurityProfile,
} from "../../worker/contract/controls.ts";

const PROFILE: SecurityProfile = {
  uid: 65_532,
  readOnlyRoot: true,
  noNewPrivileges: true,
  dropCapabilities: "all",
  seccomp: "runtime/default",
  pids: 256,
  memory: 536_870_912,
  cpu: 0.5,
};
const works: Means = { works: true };
const not = (reason: string): Means => ({ works: false, reason, wayOut: `mend ${reason}` });
/** Root on a machine that has everything. */
const ALL: Machine = {
  uid: 0,
  setpriv: works,
  namespaces: works,
  helper: works,
  landlock: works,
  memory: works,
  pids: works,
  cpu: works,
};

const by = (profile: Partial<SecurityProfile>, machine: Partial<Machine>) =>
  Object.fromEntries(
    controlsOf({ ...PROFILE, ...profile }, { ...ALL, ...machine }).enforced.map((control) => [
      control.name,
      control.by,
    ]),
  );
const lost = (machine: Partial<Machine>) =>
  controlsOf(PROFILE, { ...ALL, ...machine }).lost.map(({ name, reason }) => `${name}: ${reason}`);

describe("the controls of a worker", () => {
  it("all hold for root where every means works, each by the one that is named", () => {
    assert.deepEqual(by({}, {}), {
      uid: "setpriv",
      readOnlyRoot: "bubblewrap",
      noNewPrivileges: "setpriv",
      dropCapabilities: "setpriv",
      seccomp: "taskfleet-sandbox",
      pids: "control group",
      memory: "control group",
      cpu: "control group",
    });
    assert.deepEqual(lost({}), []);
  });

  it("are each asked of the next means when one is missing", () => {
    assert.equal(by({}, { namespaces: not("no bwrap") }).readOnlyRoot, "Landlock");
    const bare = by({}, { setpriv: not("no setpriv") });
    assert.deepEqual(
      [bare.uid, bare.noNewPrivileges, bare.dropCapabilities],
      ["taskfleet-sandbox", "taskfleet-sandbox", "taskfleet-sandbox"],
    );
  });

  it("are lost one by one, with the reason of the means that would enforce them", () => {
    assert.deepEqual(lost({ helper: not("h"), landlock: not("h") }), ["seccomp: h"]);
    assert.deepEqual(lost({ namespaces: not("n"), landlock: not("l") }), ["readOnlyRoot: n"]);
    assert.deepEqual(lost({ memory: not("m") }), ["memory: m"]);
    assert.deepEqual(lost({ setpriv: not("s"), helper: not("h") }), [
      "uid: s",
      "dropCapabilities: s",
      "seccomp: h",
    ]);
  });

  it("say of an ordinary user that the uid is its own", () => {
    const [first] = controlsOf(PROFILE, { ...ALL, uid: 1000 }).lost;
    assert.deepEqual(first, {
      name: "uid",
      text: "uid 65532",
      reason: "workers run as uid 1000, and only root can take another",
      wayOut: "run the stack as root or as uid 65532",
    });
    assert.equal(by({}, { uid: 65_532 }).uid, "who started it");
    assert.equal(by({}, { uid: 1000 }).dropCapabilities, "bubblewrap");
    assert.equal(by({}, { uid: 1000, namespaces: not("n") }).dropCapabilities, "setpriv");
  });

  it("are neither kept nor lost where the profile does not ask for them", () => {
    const relaxed = {
      readOnlyRoot: false,
      noNewPrivileges: false,
      dropCapabilities: "none",
      seccomp: "unconfined",
    } as const;
    const broken = { namespaces: not("n"), helper: not("h"), setpriv: works, landlock: not("l") };
    const { enforced, lost: gone } = controlsOf({ ...PROFILE, ...relaxed }, { ...ALL, ...broken });
    assert.deepEqual(
      enforced.map(({ name }) => name),
      ["uid", "pids", "memory", "cpu"],
    );
    assert.deepEqual(gone, []);
  });

  it("are each either kept or lost, whatever works", () => {
    const means = ["setpriv", "namespaces", "helper", "landlock", "memory", "pids", "cpu"] as const;
    for (let bits = 0; bits < 2 ** means.length; bits += 1) {
      const broken = means.filter((_, index) => (bits >> index) & 1).map((name) => [name, not(name)]);
      for (const uid of [0, 1000]) {
        const { enforced, lost: gone } = controlsOf(PROFILE, { ...ALL, uid, ...Object.fromEntries(broken) });
        assert.deepEqual([...enforced, ...gone].map(({ name }) => name).toSorted(), [...CONTROLS].toSorted());
      }
    }
  });

  it("are one line for people", () => {
    assert.equal(
      describeControls(controlsOf(PROFILE, ALL)),
      "uid 65532, read-only root, no new privileges, no capabilities, seccomp, 256 processes, 512 MiB, 0.5 CPU",
    );
    const machine = {
      ...ALL,
      helper: not("taskfleet-sandbox is not built"),
      cpu: not("no control group: not root"),
    };
    assert.equal(
      describeControls(controlsOf(PROFILE, machine)),
      "uid 65532, read-only root, no new privileges, no capabilities, 256 processes, 512 MiB; " +
        "lost: seccomp (taskfleet-sandbox is not built), 0.5 CPU (no control group: not root)",
    );
    assert.equal(describeControls({ enforced: [], lost: [] }), "none");
  });

  it("survive the way through a variable; anything else is none", () => {
    const controls = controlsOf(PROFILE, ALL);
    assert.deepEqual(parseControls(JSON.stringify(controls)), controls);
    for (const text of ["", "{}", "null", "7", '{"enforced":[]}', "{"])
      assert.equal(parseControls(text), null);
  });
});
