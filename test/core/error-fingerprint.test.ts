import assert from "node:assert/strict";
import fc from "fast-check";
import type { DeadLetter } from "../../worker/contract/records.ts";
import {
  errorFingerprint,
  FINGERPRINT_PATTERN,
  failureOf,
  letterFingerprint,
  normaliseMessage,
} from "../../worker/src/core/error-fingerprint.ts";

const fingerprint = (message: string, kind = "k", reason = "handler") =>
  errorFingerprint({ kind, reason, message });

/** One cause a line: messages that differ only in what is volatile. */
const SAME: readonly (readonly string[])[] = [
  ["connect ECONNREFUSED 10.0.0.7:6379", "connect ECONNREFUSED 192.168.17.250:46379"],
  ["connect ECONNREFUSED ::1:6379", "connect ECONNREFUSED [fe80::a1]:6379"],
  ["cannot reach redis-1.prod.internal:6379", "cannot reach localhost:7001"],
  ["timed out after 900 ms", "timed out after 1.2 s", "timed out after 2 m 05 s", "timed out after 1h2m3.5s"],
  ["ENOENT: open '/tmp/a b/1.csv'", "ENOENT: open '/var/lib/x/other.csv'"],
  ["cannot read /tmp/scratch-7f3/a.txt: gone", "cannot read ./b.txt: gone", "cannot read C:\\x\\y.txt: gone"],
  ["at src/core/foo.ts:12:3", "at lib/bar.js:1234:56"],
  ["GET https://api.example.com/v1/users/42 failed", "GET http://127.0.0.1:8080/?q=x failed"],
  ["task 0198c0de-0000-7000-8000-000000000001 broke", "task 01ARZ3NDEKTSV4RRFFQ69G5FAV broke"],
  ["commit deadbeef00 is bad", "commit 12345678 is bad", "commit a1b2c3d is bad", "commit 0x7ffee3 is bad"],
  ["pod worker-7f9c8d-x2x4z died", "pod worker-5d9f8b-2q4wz died"],
  ["at 2026-11-24T15:21:56.123Z: late", "at Tue, 24 Nov 2026 15:21:56 GMT: late", "at 15:21:56: late"],
  ["needs 3 MiB", "needs 1,234.5 bytes", "needs 12 KB"],
  ["1 of 2 rows: bad", "17 of 1,234 rows: bad", "-1 of 2.5e3 rows: bad"],
  ["wants 1 file", "wants 2 files"],
  ["rows [1, 2, 3]", "rows [4]"],
  ['no column "a"', 'no column "b \\"c\\" d"', "no column 'x'", "no column `y`"],
  ["mail to ada@example.com", "mail to bob.b+1@mail.example.org"],
  ["two\n  lines", "two lines", "  two lines "],
];

/** Every message here has a cause of its own. */
const APART: readonly string[] = [
  "execute: the program exited with status 1",
  "execute: the program exited with status 137",
  "execute: the program was ended by SIGKILL",
  "execute: the program was ended by SIGXCPU",
  "upstream gave HTTP 404",
  "upstream gave HTTP 503",
  "HTTP/1.1 502 Bad Gateway",
  "code=ENOENT",
  "code=EACCES",
  "errno: 2",
  "errno: 13",
  "TS2304 in a file",
  "TS2322 in a file",
  "connect ECONNREFUSED 10.0.0.7:6379",
  "connect ETIMEDOUT 10.0.0.7:6379",
  "unexpected type application/json",
  "unexpected type text/html",
  "std::bad_alloc",
  "std::out_of_range",
  "can't open the user's file",
  "can't close the user's file",
  "TypeError: x is not a function",
  "TypeError: x is not iterable",
];

/** What may stand in a place of a message, each with its own way of differing. */
const volatile = fc.oneof(
  fc.record({ as: fc.constant("n"), text: fc.nat().map(String) }),
  fc.record({ as: fc.constant("n"), text: fc.uuid() }),
  fc.record({ as: fc.constant("n"), text: fc.ulid() }),
  fc.record({
    as: fc.constant("n"),
    text: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map((n) => `0x${n.toString(16)}`),
  }),
  fc.record({
    as: fc.constant("n"),
    text: fc.bigInt({ min: 2n ** 156n, max: 2n ** 160n - 1n }).map((n) => n.toString(16)),
  }),
  fc.record({ as: fc.constant("text"), text: fc.string().map((text) => JSON.stringify(text)) }),
  fc.record({ as: fc.constant("address"), text: fc.ipV4() }),
  fc.record({ as: fc.constant("url"), text: fc.webUrl().filter((url) => !/[\s"'`<>()[\]{},;|]/.test(url)) }),
  fc.record({
    as: fc.constant("time"),
    text: fc
      .date({ min: new Date(0), max: new Date("2999-01-01"), noInvalidDate: true })
      .map((at) => at.toISOString()),
  }),
  fc.record({
    as: fc.constant("duration"),
    text: fc.tuple(fc.nat(), fc.constantFrom("ms", "s", " s", " minutes")).map(([n, unit]) => `${n}${unit}`),
  }),
);
const word = fc.stringMatching(/^[g-z]{3,8}$/);

describe("error fingerprint", () => {
  for (const messages of SAME)
    it(`is one for ${messages.map((message) => JSON.stringify(message)).join(", ")}`, () => {
      assert.deepEqual([...new Set(messages.map((message) => normaliseMessage(message)))].length, 1);
      assert.deepEqual([...new Set(messages.map((message) => fingerprint(message)))].length, 1);
    });

  it("keeps distinct causes apart", () => {
    const byFingerprint = Map.groupBy(APART, (message) => fingerprint(message));
    assert.deepEqual(
      [...byFingerprint.values()].filter((messages) => messages.length > 1),
      [],
    );
  });

  it("tells kinds and reasons apart, also where their texts join to the same", () => {
    const all = [
      fingerprint("x", "ab", "c"),
      fingerprint("x", "a", "bc"),
      fingerprint("x", "ab", "d"),
      fingerprint("cx", "ab", ""),
    ];
    assert.equal(new Set(all).size, 4);
  });

  it("is the same in every version: operators write it down", () => {
    assert.equal(fingerprint("run 2 fails, as the payload asks", "flaky"), "dc793505");
    assert.equal(
      normaliseMessage('run 2 took 5 s: "x" in /tmp/a'),
      "run <n> took <duration>: <text> in <path>",
    );
  });

  it("never depends on what is volatile, wherever it stands", () => {
    const part = fc.tuple(word, volatile);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), word, (parts, end) => {
        const message = `${parts.map(([name, { text }]) => `${name} ${text}`).join(" ")} ${end}`;
        const expected = `${parts.map(([name, { as }]) => `${name} <${as}>`).join(" ")} ${end}`;
        assert.equal(
          normaliseMessage(message),
          expected.replace(/(<n>) ([a-z]{2,}?)s\b/g, "$1 $2").slice(0, 400),
        );
      }),
    );
  });

  it("stays apart when a word differs", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.stringMatching(/^[g-rt-z]{3,8}$/), { minLength: 2, maxLength: 2 }),
        volatile,
        (names, { text }) => {
          const [one, other] = names.map((name) => fingerprint(`${name} ${text} failed`));
          assert.notEqual(one, other);
        },
      ),
    );
  });

  it("gives eight hex digits for any text at all, and a normalised message changes no more", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 200 }),
        fc.string(),
        fc.string(),
        (message, kind, reason) => {
          assert.match(fingerprint(message, kind, reason), FINGERPRINT_PATTERN);
          assert.ok(normaliseMessage(message).length <= 400);
        },
      ),
    );
    for (const message of [...SAME.flat(), ...APART])
      assert.equal(normaliseMessage(normaliseMessage(message)), normaliseMessage(message));
  });

  it("needs no more than a message's length, whatever is in it", () => {
    const endless = ["a", '"', "a.", "1:", "a/", "'a", "[::", "a1", "1 s ", "\\\\", "a@a.", "0:"];
    for (const part of endless) fingerprint(part.repeat(1_000_000));
    const long = "x ".repeat(5_000);
    assert.equal(fingerprint(`${long}1`), fingerprint(`${long}other end`));
  });

  it("of a dead letter is that of its last error, without its own names", () => {
    const letter = (id: string, worker_id: string, last: string): DeadLetter => ({
      v: 1,
      id,
      kind: "k",
      payload: "{}",
      options: "",
      enqueued_at: 1,
      attempts: 2,
      deliveries: 0,
      errors: [
        { attempt: 1, at: 1, message: `first of ${id}`, reason: "timeout", worker_id },
        { attempt: 2, at: 2, message: last, reason: "handler", worker_id },
      ],
      buried_at: 3,
      message: `Moved to DLQ: ${last}`,
    });
    const one = letter("order.ada", "worker-a", "order.ada broke on worker-a");
    const other = letter("order.bob", "worker-bee", "order.bob broke on worker-bee");
    assert.equal(letterFingerprint(one), letterFingerprint(other));
    assert.equal(letterFingerprint(one), fingerprint("<id> broke on <id>"));
    const foreign: DeadLetter = { ...one, errors: [], message: "Moved to DLQ: by hand" };
    assert.deepEqual(failureOf(foreign), { kind: "k", reason: "", message: "Moved to DLQ: by hand" });
  });
});
