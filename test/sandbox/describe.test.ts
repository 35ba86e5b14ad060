import assert from "node:assert/strict";
import { describeSandbox } from "../../worker/src/adapters/sandbox/describe.ts";
import type { Sandbox } from "../../worker/src/ports/sandbox.ts";

describe("a sandbox in words", () => {
  const sandbox: Sandbox = {
    backEnd: "landlock",
    unenforced: [],
    oneAtATime: false,
    groups: true,
    run: () => assert.fail("nothing runs"),
  };

  it("names what makes it", () => {
    assert.equal(describeSandbox(sandbox), "landlock");
  });

  it("names what it lacks", () => {
    const weak = {
      ...sandbox,
      oneAtATime: true,
      unenforced: ["signals", "leftovers"],
      groups: "EACCES",
    } as const;
    assert.equal(
      describeSandbox(weak),
      "landlock, one program at a time in a worker; lacks signals, leftovers; " +
        "memory and processor time are watched, not bounded by a control group",
    );
  });

  it("says why there is none", () => {
    assert.equal(describeSandbox("no helper"), "none: no helper");
  });
});
