import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { openSandbox } from "../../worker/src/adapters/sandbox/open-sandbox.ts";
import { containerEnd } from "../../worker/src/broker/container-end.ts";
import { containerGroups } from "../../worker/src/broker/container-groups.ts";
import { dockerRun } from "../../worker/src/broker/docker-command.ts";
import { MAX_STDIN_BYTES, parseRequest } from "../../worker/src/broker/parse-request.ts";
import { FRAMES, FrameReader, frame } from "../../worker/src/broker/protocol.ts";
import { Slots } from "../../worker/src/broker/slots.ts";
import { DEFAULT_LIMITS } from "../../worker/src/handlers/execute/payload-limits.ts";

const SETTINGS = { image: "programs:1", runtime: "", cpus: 1.5, label: "taskfleet.sandbox-broker=/b" };
const REQUEST = {
  version: 1,
  command: ["sh", "-c", "true"],
  environment: { A: "1" },
  limits: DEFAULT_LIMITS,
  graceMs: 10,
  stdinBytes: 0,
};
const parse = (change: object) => parseRequest(JSON.stringify({ ...REQUEST, ...change }), DEFAULT_LIMITS);

describe("the container of a program", () => {
  const request = {
    command: ["--privileged", "-v", "/:/host"] as [string, ...string[]],
    environment: { LANG: "C", NAME: "--privileged" },
    limits: { ...DEFAULT_LIMITS, cpuMs: 1500 },
  };

  it("is made by exactly these arguments, the request's own behind the image", () => {
    assert.deepEqual(dockerRun(request, SETTINGS, "taskfleet-1"), [
      ...["run", "--interactive", "--name", "taskfleet-1", "--label", "taskfleet.sandbox-broker=/b"],
      ...["--pull", "never", "--network", "none", "--ipc", "none", "--pids-limit", "128"],
      ...["--memory", "1073741824", "--memory-swap", "1073741824", "--cpus", "1.5"],
      ...["--ulimit", "cpu=2:3", "--ulimit", "core=0", "--cap-drop", "ALL"],
      ...["--security-opt", "no-new-privileges", "--user", "65532:65532", "--read-only"],
      ...["--workdir", "/scratch", "--tmpfs"],
      "/scratch:exec,nosuid,nodev,size=268435456,mode=0700,uid=65532,gid=65532",
      ...["--log-driver", "none", "--no-healthcheck", "--entrypoint", ""],
      ...["--env", "HOME=/scratch", "--env", "TMPDIR=/scratch", "--env", "LANG=C", "--env", "LC_ALL=C.UTF-8"],
      ...["--env", "NAME=--privileged", "--", "programs:1", "--privileged", "-v", "/:/host"],
    ]);
  });

  it("has the runtime that the broker names", () => {
    const words = dockerRun(request, { ...SETTINGS, runtime: "runsc" }, "n");
    assert.equal(words[words.indexOf("--runtime") + 1], "runsc");
  });

  it("tells by its end what hit the program", () => {
    const state = { Id: "1", Status: "exited", Pid: 0, ExitCode: 0, OOMKilled: false, Error: "" };
    const end = (change: object) => containerEnd(null, { ...state, ...change }, "");
    assert.deepEqual(end({ ExitCode: 3 }), { exitCode: 3, signal: null, stop: null });
    assert.deepEqual(end({ ExitCode: 137, OOMKilled: true }), {
      exitCode: 137,
      signal: null,
      stop: "memory",
    });
    assert.deepEqual(end({ ExitCode: 152 }), { exitCode: 152, signal: null, stop: "cpu" });
    assert.deepEqual(end({ Status: "created", ExitCode: 127, Error: "no such file" }), {
      failed: { step: "exec", code: "ENOENT", message: "no such file" },
    });
    assert.deepEqual(end({ Status: "created", ExitCode: 128, Error: "no shim" }), {
      failed: { step: "container", code: "", message: "no shim" },
    });
    assert.deepEqual(containerEnd("output", undefined, ""), {
      exitCode: null,
      signal: "SIGKILL",
      stop: "output",
    });
    assert.deepEqual(containerEnd(null, undefined, "docker: no daemon\n"), {
      failed: { step: "container", code: "", message: "docker: no daemon" },
    });
  });
});

describe("the control groups of a container", () => {
  it("are those of its process here, and nobody's where the daemon is elsewhere", async () => {
    const cgroup = readFileSync("/proc/self/cgroup", "utf8");
    const Id = cgroup.split("\n")[0]?.split(":")[2] ?? "";
    assert.equal(await containerGroups({ Pid: process.pid, Id: "0123456789abcdef" }), undefined);
    const groups = await containerGroups({ Pid: process.pid, Id });
    if (groups === undefined) process.stdout.write("      not tested here: no control groups to read\n");
    else assert.ok(Number(await groups.cpuMs()) > 0);
  });
});

describe("a request to the broker", () => {
  it("is taken as it is, words that look like options too", () => {
    const command = ["--privileged", "", "-", "a\nb", "ü"];
    assert.deepEqual(parse({ command }), { ...REQUEST, command });
  });

  const refused: readonly [string, object, RegExp][] = [
    ["another version", { version: 2 }, /^version is 2; allowed: 1/],
    ["a field of Docker's", { image: "evil" }, /"image" is no field of it/],
    ["no command", { command: [] }, /^command must be/],
    ["an empty program", { command: [""] }, /^command must be/],
    ["a program that is no text", { command: [{ length: 1 }] }, /^command must be/],
    ["NUL in an argument", { command: ["a", "b\0c"] }, /^command must be/],
    ["an argument beyond the kernel's", { command: ["a".repeat(131_072)] }, /^command must be/],
    ["a variable like an option", { environment: { "--env": "1" } }, /^environment holds "--env"/],
    ["a variable with =", { environment: { "A=B": "1" } }, /^environment holds/],
    ["a variable without a name", { environment: { "": "1" } }, /^environment holds ""/],
    ["a variable with a newline", { environment: { "A\nB": "1" } }, /^environment holds/],
    ["NUL in a value", { environment: { A: "\0" } }, /^environment holds/],
    ["a value that is no text", { environment: { A: 1 } }, /^environment holds/],
    ["a list of variables", { environment: ["A=1"] }, /^environment must be an object/],
    ["a missing limit", { limits: { processes: 1 } }, /^limits: "memoryBytes" is missing/],
    ["an unknown limit", { limits: { ...DEFAULT_LIMITS, cpus: 9 } }, /"cpus" is no field/],
    ["more than the broker grants", { limits: { ...DEFAULT_LIMITS, processes: 129 } }, /processes is 129/],
    ["no processes", { limits: { ...DEFAULT_LIMITS, processes: -1 } }, /processes is -1/],
    ["text as a limit", { limits: { ...DEFAULT_LIMITS, cpuMs: "1 --privileged" } }, /cpuMs is "1 --/],
    ["half a byte", { limits: { ...DEFAULT_LIMITS, diskBytes: 1.5 } }, /diskBytes is 1.5/],
    ["a long grace", { graceMs: 60_001 }, /^graceMs must be a whole number from 0 to 60000/],
    ["too much input", { stdinBytes: MAX_STDIN_BYTES + 1 }, /^stdinBytes must be/],
    ["negative input", { stdinBytes: -1 }, /^stdinBytes must be/],
  ];
  for (const [what, change, message] of refused)
    it(`is refused with ${what}`, () => {
      assert.match(String(parse(change)), message);
    });

  it("is refused when it is none", () => {
    for (const line of ["", "{", "null", "[]", "1", '"x"', "\0", "{}", '{"version":1}'])
      assert.equal(typeof parseRequest(line, DEFAULT_LIMITS), "string", line);
  });

  it("that was changed at any byte is the same, another valid one or refused, and never fails", () => {
    const line = JSON.stringify(REQUEST);
    for (let at = 0; at < line.length; at++)
      for (const put of ["", "\0", '"', "-", "}", "9", ","]) {
        const parsed = parseRequest(`${line.slice(0, at)}${put}${line.slice(at + 1)}`, DEFAULT_LIMITS);
        if (typeof parsed === "string") continue;
        for (const name of Object.keys(parsed.environment)) assert.match(name, /^[A-Za-z_]\w*$/);
        assert.ok(parsed.limits.processes <= 128 && parsed.limits.memoryBytes <= 2 ** 30);
        assert.equal(
          [...parsed.command, ...Object.values(parsed.environment)].join("").includes("\0"),
          false,
        );
      }
  });
});

describe("frames", () => {
  it("come out as they went in, however they are cut", () => {
    const bytes = Buffer.concat([frame(FRAMES.started), frame(FRAMES.stderr, Buffer.from("abc"))]);
    const seen: [number, string][] = [];
    const reader = new FrameReader((kind, content) => seen.push([kind, String(content)]));
    for (const byte of bytes) reader.add(Buffer.from([byte]));
    reader.add(bytes);
    const both = [
      [0, ""],
      [2, "abc"],
    ];
    assert.deepEqual(seen, [...both, ...both]);
    assert.throws(() => reader.add(Buffer.from([1, 255, 0, 0, 0])), RangeError);
  });
});

describe("the broker's places", () => {
  it("are given in order, and not to who has left", async () => {
    const slots = new Slots(1);
    const stay = new AbortController().signal;
    const leaver = new AbortController();
    const first = Promise.withResolvers<string>();
    const order: string[] = [];
    const enter = (name: string, signal: AbortSignal) =>
      slots.take(async () => {
        order.push(name);
        return name === "one" ? first.promise : name;
      }, signal);
    const all = [enter("one", stay), enter("two", leaver.signal), enter("three", stay)];
    leaver.abort();
    await turn();
    assert.deepEqual(order, ["one"]);
    first.resolve("one");
    assert.deepEqual(await Promise.all(all), ["one", undefined, "three"]);
    assert.equal(await enter("four", leaver.signal), undefined);
    assert.equal(await enter("five", stay), "five");
  });
});

describe("the back end broker", () => {
  const open = (broker: string) =>
    openSandbox({ helper: "", broker, backEnd: "broker", acceptUnenforced: [], readable: [] });

  it("is refused without a broker, with the way out", async () => {
    assert.equal(
      await open(""),
      "TASKFLEET_SANDBOX_BROKER is not set: it must name the socket of a running sandbox-broker",
    );
    assert.match(
      String(await open("/none/broker.sock")),
      /^TASKFLEET_SANDBOX_BROKER is "\/none\/broker.sock", where no broker answers \(.*ENOENT.*\): start sandbox-broker/,
    );
  });
});
