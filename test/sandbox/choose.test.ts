import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { BACK_ENDS, ENFORCEMENT, MEANINGS, PROTECTIONS } from "../../worker/contract/sandbox.ts";
import { choose, unaccepted } from "../../worker/src/adapters/sandbox/choose.ts";
import { openSandbox } from "../../worker/src/adapters/sandbox/open-sandbox.ts";
import { helperPolicy } from "../../worker/src/adapters/sandbox/policy.ts";
import { Turns } from "../../worker/src/adapters/sandbox/turns.ts";
import { DEFAULT_LIMITS, payloadLimits } from "../../worker/src/handlers/execute/payload-limits.ts";

const ALL = { landlockAbi: 7, seccomp: true, root: false, system: [], bubblewrap: true };

describe("the choice of a sandbox", () => {
  it("takes the strongest that works, or the one that is asked for", () => {
    assert.deepEqual(choose("auto", ALL), { backEnd: "bubblewrap", unenforced: [] });
    assert.deepEqual(choose("landlock", ALL), { backEnd: "landlock", unenforced: [] });
    const container = { ...ALL, bubblewrap: false, bubblewrapError: "no namespaces" };
    assert.deepEqual(choose("auto", container), { backEnd: "landlock", unenforced: [] });
    assert.equal(choose("bubblewrap", container), "bubblewrap does not start (no namespaces)");
  });

  it("says what an older kernel lacks, which root makes up for", () => {
    const old = { ...ALL, bubblewrap: false, landlockAbi: 5 };
    assert.deepEqual(choose("auto", old), { backEnd: "landlock", unenforced: ["signals", "leftovers"] });
    assert.deepEqual(choose("auto", { ...old, root: true }), { backEnd: "landlock", unenforced: [] });
    assert.deepEqual(unaccepted(["signals", "leftovers"], ["leftovers"]), ["signals"]);
  });

  it("takes nothing where nothing works, and says why", () => {
    const nothing = { ...ALL, bubblewrap: false, landlockAbi: 0, bubblewrapError: "not installed" };
    assert.equal(
      choose("auto", nothing),
      "bubblewrap does not start (not installed); the kernel lets this process use no Landlock",
    );
    assert.match(String(choose("auto", { ...ALL, seccomp: false })), /no seccomp filter/);
  });

  it("takes nothing without the helper, and names the setting", async () => {
    const options = { broker: "", backEnd: "auto", acceptUnenforced: [], readable: [] } as const;
    assert.match(
      String(await openSandbox({ ...options, helper: "" })),
      /^TASKFLEET_SANDBOX_HELPER is not set/,
    );
    assert.match(String(await openSandbox({ ...options, helper: "/none" })), /"\/none", which is not there/);
  });

  it("has a row for every protection in every back end", () => {
    for (const backEnd of BACK_ENDS) assert.deepEqual(Object.keys(ENFORCEMENT[backEnd]), [...PROTECTIONS]);
    assert.deepEqual(Object.keys(MEANINGS), [...PROTECTIONS]);
  });
});

describe("the limits of a program", () => {
  it("are the fleet's, or lower where the payload says so", () => {
    assert.deepEqual(payloadLimits({}, DEFAULT_LIMITS), {
      processes: 128,
      memoryBytes: 1024 ** 3,
      cpuMs: 30_000,
      timeoutMs: 30_000,
      outputBytes: 1024 ** 2,
      diskBytes: 256 * 1024 ** 2,
    });
    const payload = { command: ["true"], cpuMs: 5, maxOutputBytes: 0 };
    const lower = payloadLimits(payload, DEFAULT_LIMITS);
    assert.deepEqual(lower, { ...DEFAULT_LIMITS, cpuMs: 5, outputBytes: 0 });
    assert.match(
      String(payloadLimits({ timeoutMs: 30_001 }, DEFAULT_LIMITS)),
      /^timeoutMs is 30001, at most 30000/,
    );
  });

  it("reach the helper, whose clock comes after the worker's", () => {
    const program = {
      command: ["true"] as const,
      stdin: Buffer.alloc(0),
      folder: "/f",
      environment: { TMPDIR: "/mine" },
      limits: DEFAULT_LIMITS,
      graceMs: 500,
      signal: new AbortController().signal,
    };
    const context = { backEnd: "landlock", system: [], readable: ["/r"], path: "/p" } as const;
    const policy = helperPolicy(context, { ...program, command: ["true"] }, ["/g/cgroup.procs"]);
    assert.equal(policy.limits.wallMs, 32_500);
    assert.deepEqual(
      [policy.readable, policy.cgroups, policy.wrapper],
      [["/r"], ["/g/cgroup.procs"], undefined],
    );
    assert.deepEqual([policy.environment.HOME, policy.environment.TMPDIR], ["/f", "/mine"]);
  });
});

describe("turns", () => {
  it("run one after the other, also after one that failed", async () => {
    const turns = new Turns();
    const { signal } = new AbortController();
    const order: string[] = [];
    const first = Promise.withResolvers<void>();
    const one = turns.take(async () => {
      order.push("one");
      await first.promise;
      throw new Error("no");
    }, signal);
    const two = turns.take(async () => order.push("two"), signal);
    await turn();
    assert.deepEqual(order, ["one"]);
    first.resolve();
    await assert.rejects(one, /no/);
    await two;
    assert.deepEqual(order, ["one", "two"]);
  });

  it("stop waiting for a task that is cancelled, and still keep the others apart", async () => {
    const turns = new Turns();
    const controller = new AbortController();
    const first = Promise.withResolvers<void>();
    let third = false;
    const one = turns.take(() => first.promise, new AbortController().signal);
    const two = turns.take(async () => "ran", controller.signal);
    const three = turns.take(async () => {
      third = true;
    }, new AbortController().signal);
    controller.abort();
    assert.equal(await two, "ran");
    await turn();
    assert.equal(third, false);
    first.resolve();
    await Promise.all([one, three]);
    assert.equal(third, true);
  });
});
