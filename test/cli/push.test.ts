import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TestFleet } from "./fleet.ts";
import { type CliRun, cli, jsonLines } from "./support.ts";

const STREAM = "peagen.tasks";

describe("push", () => {
  let fleet: TestFleet;
  let folder = "";
  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const pushed = () => fleet.redis.client.xlen(STREAM);

  before(async () => {
    fleet = await TestFleet.start();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-push-"));
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await fleet.stop();
  });
  beforeEach(() => fleet.empty());

  /** Refused: exit code 2, this on standard error, nothing on standard output or in the queue. */
  async function refused(run: Promise<CliRun>, err: string): Promise<void> {
    const { code, out, err: said } = await run;
    assert.deepEqual([said, out, code, await pushed()], [err, "", 2, 0]);
  }

  it("stores kind, payload and options of one task, and prints its id", async () => {
    const flags = ["--id", "job-1", "--timeout", "1.5", "--max-attempts", "7"];
    const { code, out, err } = await fleet.cli([
      "push",
      "word-count",
      "--payload",
      '{"text": "a b"}',
      ...flags,
    ]);
    assert.deepEqual([code, out, err], [0, "job-1\n", ""]);
    const [[, fields]] = (await fleet.redis.client.xrange(STREAM, "-", "+")) as [[string, string[]]];
    assert.deepEqual(fields, [
      ...["taskfleet", 'job-1 word-count {"text":"a b"}'],
      ...["options", '{"timeoutMs":1500,"maxAttempts":7}'],
    ]);
  });

  it("is idempotent by id: the second push does nothing and says so", async () => {
    const words = ["push", "sleep", "--payload", '{"ms":0}', "--idempotency-key", "once"];
    await fleet.cli(words);
    const again = await fleet.cli(words);
    assert.deepEqual([again.code, again.out], [0, "once\n"]);
    assert.equal(again.err, "taskfleet: 1 of 1 task not pushed: the id is known already\n");
    const { out } = await fleet.cli([...words, "--json"]);
    assert.deepEqual(jsonLines(out), [{ id: "once", kind: "sleep", state: "duplicate" }]);
    assert.equal(await pushed(), 1);
  });

  it("takes JSON Lines, an array, one task, and standard input; ids in the order of the tasks", async () => {
    const lines = '{"kind":"sleep","payload":{"ms":1},"id":"a"}\n\n{"payload":{"text":""},"id":"b"}\n';
    const first = await fleet.cli(["push", "word-count", "-f", file("tasks.jsonl", lines)]);
    assert.deepEqual([first.out, first.err, first.code], ["a\nb\n", "", 0]);
    const array =
      '[{"kind":"sleep","payload":{"ms":1},"id":"c"},\n{"kind":"sleep","payload":{"ms":1},"id":"d"}]';
    const second = await fleet.cli(["push", "-"], { input: array });
    assert.deepEqual([second.out, second.err, second.code], ["c\nd\n", "", 0]);
    const one = file("one.json", '{\n"kind": "sleep",\n"payload": {"ms": 1},\n"id": "e", "delay": 3600\n}');
    const third = await fleet.cli(["push", "--file", one, "--json"]);
    assert.deepEqual(jsonLines(third.out), [{ id: "e", kind: "sleep", state: "delayed" }]);
    assert.equal(await pushed(), 4);
  });

  it("names number and reason of malformed lines, and pushes none of the good ones", async () => {
    const good = '{"kind":"sleep","payload":{"ms":1}}\n';
    const one = file("one.jsonl", `${good}{"kind":"sleep",}\n${good}`);
    await refused(
      fleet.cli(["push", "-f", one]),
      `taskfleet: ${one}: line 2: not JSON: Expected double-quoted property name in JSON at position 16 ` +
        "(line 1 column 17); nothing was pushed\n",
    );
    const two = file("two.jsonl", `${good}7\n{"payload":{}}\n`);
    await refused(
      fleet.cli(["push", "-f", two]),
      `taskfleet: ${two} has 2 problems; nothing was pushed\n` +
        "  line 2: a task is an object, not 7\n  line 3: kind: is missing\n",
    );
  });

  it("lists at most ten problems of a file", async () => {
    const { code, err } = await fleet.cli(["push", "-"], { input: "{}\n".repeat(13) });
    assert.equal(code, 2);
    const lines = err.split("\n");
    assert.equal(lines[0], "taskfleet: standard input has 13 problems; nothing was pushed");
    assert.deepEqual(lines.slice(10), ["  line 10: kind: is missing", "  and 3 more", ""]);
  });

  it("refuses an unknown kind and names those there are", () =>
    refused(
      fleet.cli(["push", "nap"]),
      'taskfleet: kind: "nap" is no kind that this fleet runs; known kinds: execute, flaky, http, sleep, word-count; ' +
        "nothing was pushed\n",
    ));

  it("refuses payloads against their schema, in a file with the line and the field", () =>
    refused(
      fleet.cli(["push", "-"], {
        input: '{"kind":"sleep","payload":{"ms":1}}\n{"kind":"sleep","payload":{"ms":"long"}}\n',
      }),
      'taskfleet: standard input: line 2: payload.ms: "long" must be integer; nothing was pushed\n',
    ));

  it("refuses a payload over the cap", () =>
    refused(
      fleet.cli(["push", "word-count", "--payload", JSON.stringify({ text: "x".repeat(2000) })], {
        env: { TASKFLEET_MAX_PAYLOAD_BYTES: "1024" },
      }),
      "taskfleet: payload: 2011 bytes of JSON, at most 1024 are allowed; pass large data by reference or raise " +
        "TASKFLEET_MAX_PAYLOAD_BYTES; nothing was pushed\n",
    ));

  it("refuses key formats and the pusher's own secrets, by field, and never shows them", async () => {
    const key = `AKIA${"A1".repeat(8)}`;
    const own = "correct-horse";
    const tail =
      "payloads are stored and shown, so give secrets to the workers' environment instead; nothing was pushed\n";
    await refused(
      fleet.cli(["push", "word-count", "--payload", JSON.stringify({ text: `key ${key}` })]),
      `taskfleet: payload.text: holds a secret (AWS access key id); ${tail}`,
    );
    await refused(
      fleet.cli(["push", "execute", "--payload", JSON.stringify({ command: ["echo", `x${own}`] })], {
        env: { MY_API_TOKEN: own },
      }),
      `taskfleet: payload.command[1]: holds a secret (the value of the environment variable MY_API_TOKEN); ${tail}`,
    );
  });

  it("knows the password of Redis as a secret, also when only a file holds it", async () => {
    const password = "open-sesame-9";
    const env = { REDIS_PASSWORD_FILE: file("password", `${password}\n`) };
    const words = ["push", "word-count", "--payload", JSON.stringify({ text: `it is ${password}` })];
    await fleet.redis.client.config("SET", "requirepass", password);
    try {
      const without = await fleet.cli(words);
      assert.equal(without.code, 3);
      assert.match(without.err, /it refuses the password \(REDIS_PASSWORD or REDIS_PASSWORD_FILE\)/);
      const { code, err } = await fleet.cli(words, { env });
      assert.equal(code, 2);
      assert.match(
        err,
        /payload\.text: holds a secret \(the value of the environment variable REDIS_PASSWORD\)/,
      );
    } finally {
      await fleet.redis.client.config("SET", "requirepass", "");
    }
  });

  it("refuses wrong words with the way out", async () => {
    const wrong: readonly (readonly [readonly string[], string])[] = [
      [[], "taskfleet: say what to push\n  KIND with flags, -f FILE, or - for standard input; see --help.\n"],
      [
        ["sleep", "--payload", "{ms:1}"],
        "taskfleet: payload: not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2)\n" +
          `  Quote it for the shell: --payload '{"text": "one two"}'.\n`,
      ],
      [["-f", "gone.jsonl"], 'taskfleet: "gone.jsonl": no such file\n'],
      [
        ["-f", "x", "--delay", "1"],
        "taskfleet: --delay does not go with a file of tasks\n" +
          "  Each task of a file has its own fields; see --help.\n",
      ],
      [
        ["sleep", "--id", "a b"],
        'taskfleet: id: "a b" is no id; it must match ^[A-Za-z0-9._:-]{1,128}$; nothing was pushed\n',
      ],
    ];
    for (const [words, err] of wrong) await refused(fleet.cli(["push", ...words], { cwd: folder }), err);
  });

  it("says that the fleet was never started when no kinds are published", async () => {
    await fleet.redis.client.flushall();
    const { code, out, err } = await fleet.cli(["push", "sleep"]);
    assert.deepEqual([code, out], [1, ""]);
    assert.equal(
      err,
      "taskfleet: no kinds are published for peagen.tasks: the fleet has not been started yet\n" +
        "  Run `taskfleet up`; its spawner publishes what the workers run, also when there are none.\n",
    );
  });

  it("ends with exit code 3 and the address when Redis is down", async () => {
    const { code, out, err } = await cli(["push", "sleep"], { env: { REDIS_URL: "redis://127.0.0.1:1" } });
    assert.deepEqual([code, out], [3, ""]);
    assert.match(err, /^taskfleet: cannot reach Redis at 127\.0\.0\.1:1: connect ECONNREFUSED/);
  });

  it("ends with exit code 5 when Redis is at its memory limit, and pushes again when there is room", async () => {
    const words = ["push", "sleep", "--payload", '{"ms":1}'];
    await fleet.redis.client.config("SET", "maxmemory", "1mb");
    const { code, out, err } = await fleet.cli(words);
    await fleet.redis.client.config("SET", "maxmemory", "0");
    assert.deepEqual([code, out], [5, ""]);
    assert.match(err, /^taskfleet: the queue peagen\.tasks is full: Redis is at its memory limit/);
    assert.equal((await fleet.cli(words)).code, 0);
  });

  it("names every setting that is wrong", async () => {
    const { code, err } = await fleet.cli(["push", "sleep"], {
      env: { TASKFLEET_RESULT_TTL: "soon", TASKFLEET_MAX_PAYLOAD_BYTES: "1" },
    });
    assert.equal(code, 2);
    assert.match(err, /^taskfleet: 2 settings are wrong:\n {2}- TASKFLEET_RESULT_TTL is "soon"; allowed: /);
  });
});
