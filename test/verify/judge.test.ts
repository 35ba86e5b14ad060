import assert from "node:assert/strict";
import type { KernelFacts, Subject } from "../../components/verify/facts.ts";
import { judge, problemsOf } from "../../components/verify/judge.ts";
import { explanations, isProven, judgeAll, table, toJson } from "../../components/verify/report.ts";
import type { Controls } from "../../worker/contract/controls.ts";
import { HOST, SOUND, STATUS } from "./support.ts";

const kernel = (change: Partial<KernelFacts>): Subject => ({
  ...SOUND,
  kernel: { ...SOUND.kernel, ...change },
});
/** With a second process that differs so. */
const process = (change: Record<string, string>) =>
  kernel({
    processes: [
      { pid: 10, status: STATUS },
      { pid: 12, status: { ...STATUS, ...change, Name: "bad" } },
    ],
  });
const engine = (change: Partial<NonNullable<Subject["engine"]>>): Subject => ({
  ...SOUND,
  engine: SOUND.engine && { ...SOUND.engine, ...change },
});
const problems = (subject: Subject) =>
  problemsOf(judge(subject)).map(({ control, state, why }) => `${control} ${state}: ${why}`);

describe("what verify judges", () => {
  it("passes a container that is confined in every way", () => {
    assert.deepEqual(problems(SOUND), []);
    const found = judge(SOUND).map(({ control, found }) => `${control} ${found}`);
    assert.deepEqual(found, [
      "uid 65532",
      "capabilities none",
      "noNewPrivileges yes",
      "seccomp filter",
      "readOnlyRoot yes",
      "pids 256",
      "memory 512 MiB",
      "namespaces own",
      "engineSocket none",
      "privileged no",
      "attempts 1 refused",
    ]);
  });

  const writable = ["30 20 0:40 / / ro - overlay o rw", "32 30 0:9 / / rw - tmpfs t rw"];
  const cases: readonly (readonly [what: string, subject: Subject, problem: string])[] = [
    ["a uid of 0", process({ Uid: "0 0 0 0" }), "uid failed: process 12 (bad) has uid 0"],
    ["a saved uid of 0", process({ Uid: "65532 65532 0 65532" }), "uid failed: process 12 (bad) has uid 0"],
    ...(["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] as const).map(
      (set) =>
        [
          `a capability in ${set}`,
          process({ [set]: "0000000000000400" }),
          `capabilities failed: process 12 (bad) has ${set} 0000000000000400`,
        ] as const,
    ),
    [
      "new privileges",
      process({ NoNewPrivs: "0" }),
      "noNewPrivileges failed: process 12 (bad) has NoNewPrivs 0",
    ],
    ["no filter", process({ Seccomp: "0" }), "seccomp failed: process 12 (bad) has Seccomp 0"],
    [
      "a writable root over a read-only one",
      kernel({ mounts: writable }),
      "readOnlyRoot failed: its root is mounted writable",
    ],
    [
      "no limit of processes",
      kernel({ pids: ["max", "max"] }),
      "pids failed: its control group has no limit of processes",
    ],
    [
      "no limit of memory, as version 1 writes it",
      kernel({ memory: ["9223372036854771712"] }),
      "memory failed: its control group has no limit of memory",
    ],
    [
      "the host's network",
      kernel({ namespaces: { ...SOUND.kernel.namespaces, net: HOST.net } }),
      "namespaces failed: it shares the host's namespaces: net",
    ],
    [
      "the engine's socket",
      engine({ mountSources: ["/var/run/docker.sock"] }),
      "engineSocket failed: it has the engine's socket, by the mount of /var/run/docker.sock: it could become root of the host",
    ],
    [
      "a folder that the engine's socket lies in",
      engine({ mountSources: ["/var/run"] }),
      "engineSocket failed: it has the engine's socket, by the mount of /var/run: it could become root of the host",
    ],
    [
      "an engine's socket at a place of its own",
      engine({ mountSources: ["/srv/e"], engineSockets: ["/srv/e/engine"] }),
      "engineSocket failed: it has the engine's socket, by the mount of /srv/e: it could become root of the host",
    ],
    ["privileges", engine({ privileged: true }), "privileged failed: it is privileged"],
    [
      "a write that succeeded",
      { ...SOUND, attempts: [{ name: "write to /", end: "done" }] },
      "attempts failed: a program in it was let do: write to /",
    ],
    [
      "what cannot be seen: namespaces",
      { ...SOUND, hostNamespaces: {} },
      "namespaces unknown: its pid, net, ipc, uts, mnt namespaces cannot be read",
    ],
    [
      "what cannot be seen: mounts",
      kernel({ mounts: [] }),
      "readOnlyRoot unknown: /proc/10/mountinfo cannot be read",
    ],
    [
      "what cannot be seen: limits",
      kernel({ pids: [] }),
      "pids unknown: its control group's limit of processes cannot be read",
    ],
  ];
  for (const [what, subject, problem] of cases)
    it(`names ${what}, and nothing else`, () => assert.deepEqual(problems(subject), [problem]));

  it("takes a limit of a group above for one", () => {
    assert.deepEqual(
      problems(kernel({ pids: ["max", "100"], memory: ["max", "2147483648", "1073741824"] })),
      [],
    );
  });

  it("leaves the engine's socket to the watcher, and tells folders beside it apart", () => {
    assert.deepEqual(problems(engine({ mountSources: ["/run/docker.sock"], mayHaveSocket: true })), []);
    assert.deepEqual(problems(engine({ mountSources: ["/run/dockerx", "/ru", "/data/"] })), []);
  });

  it("judges no process that ended while it was read, but all that is left", () => {
    const ended = kernel({
      processes: [
        { pid: 10, status: STATUS },
        { pid: 13, status: {} },
      ],
    });
    assert.deepEqual(problems(ended), []);
    const [first] = problems(kernel({ processes: [] }));
    assert.equal(first, "uid unknown: /proc/10/status cannot be read");
  });
});

describe("a worker of this machine", () => {
  const bad = { ...STATUS, Uid: "1000 1000 1000 1000", Seccomp: "0" };
  const worker = (controls: Controls, change: Partial<KernelFacts> = {}): Subject => ({
    ...SOUND,
    kernel: { ...SOUND.kernel, processes: [{ pid: 10, status: bad }], ...change },
    engine: null,
    attempts: null,
    controls,
  });
  const enforced = (name: Controls["enforced"][number]["name"], by: string) => ({ name, text: "", by });
  const seccomp = { name: "seccomp", text: "seccomp", reason: "no helper", wayOut: "install it" } as const;

  it("has lost what up said it would, which is no failure", () => {
    const judged = judgeAll([worker({ enforced: [enforced("pids", "control group")], lost: [seccomp] })]);
    assert.equal(isProven(judged), true);
    assert.equal(explanations(judged), "peagen-worker-1: seccomp: lost: no helper: install it\n");
    assert.equal(judged[0]?.verdicts.find(({ control }) => control === "namespaces")?.state, "none");
  });

  it("fails where a control that should hold does not, or the spec switches it off", () => {
    assert.deepEqual(problems(worker({ enforced: [enforced("seccomp", "taskfleet-sandbox")], lost: [] })), [
      "seccomp failed: process 10 (node) has Seccomp 0",
    ]);
    assert.deepEqual(problems(worker({ enforced: [], lost: [] })), [
      "seccomp failed: process 10 (node) has Seccomp 0: the spec's security switches it off",
    ]);
  });

  it("does not prove what Landlock guards, for /proc does not show it", () => {
    const controls = { enforced: [enforced("readOnlyRoot", "Landlock")], lost: [seccomp] };
    const mounts = ["30 20 0:40 / / rw - overlay o rw"];
    assert.deepEqual(problems(worker(controls, { mounts })), [
      "readOnlyRoot unknown: Landlock guards it, which /proc does not show: install bubblewrap, whose mounts it does show",
    ]);
  });
});

describe("what verify prints", () => {
  const judged = judgeAll([SOUND, { ...process({ Seccomp: "0" }), name: "peagen-redis-1", attempts: null }]);

  it("is a row for each, and a line for each control that does not hold", () => {
    assert.deepEqual(
      table(judged)
        .split("\n")
        .map((line) => line.split(/ {2,}/)),
      [
        [
          "",
          "uid",
          "capabilities",
          "no new privileges",
          "seccomp",
          "read-only root",
          "processes",
          "memory",
        ].concat(["namespaces", "engine's socket", "privileged", "tried"]),
        [
          "peagen-worker-1",
          "65532",
          "none",
          "yes",
          "filter",
          "yes",
          "256",
          "512 MiB",
          "own",
          "none",
          "no",
          "1 refused",
        ],
        [
          "peagen-redis-1",
          "65532",
          "none",
          "yes",
          "FAILED: Seccomp 0",
          "yes",
          "256",
          "512 MiB",
          "own",
          "none",
          "no",
          "-",
        ],
        [""],
      ],
    );
    assert.equal(explanations(judged), "peagen-redis-1: seccomp: failed: process 12 (bad) has Seccomp 0\n");
  });

  it("is one JSON object for programs", () => {
    const { ok, subjects } = JSON.parse(toJson(judged));
    assert.equal(ok, false);
    assert.deepEqual(
      subjects.map(({ name, ok, controls }: never) => [name, ok, (controls as { seccomp: object }).seccomp]),
      [
        ["peagen-worker-1", true, { state: "ok", found: "filter" }],
        [
          "peagen-redis-1",
          false,
          { state: "failed", found: "Seccomp 0", why: "process 12 (bad) has Seccomp 0" },
        ],
      ],
    );
  });
});
