import assert from "node:assert/strict";
import type { PublishedKind } from "../../worker/contract/records.ts";
import {
  InvalidTaskError,
  PayloadTooLargeError,
  SecretInPayloadError,
  TaskRefusedError,
  UnknownKindError,
} from "../../worker/src/core/errors.ts";
import type { NewTask } from "../../worker/src/core/task.ts";
import { TaskValidator } from "../../worker/src/core/validate-task.ts";
import { Type } from "../../worker/src/handler.ts";

const greet: PublishedKind = {
  kind: "greet",
  version: "1.0.0",
  description: "Greets.",
  payload: Type.Object(
    {
      name: Type.String({ maxLength: 5 }),
      tone: Type.Optional(Type.Enum(["kind", "dry"])),
      at: Type.Optional(Type.Tuple([Type.Number(), Type.Number()])),
      version: Type.Optional(Type.Literal(1)),
    },
    { additionalProperties: false },
  ),
};

const SECRET = ["correct", "horse"].join("-");
const validator = new TaskValidator({
  kinds: [greet, { ...greet, kind: "any", payload: {} }],
  maxPayloadBytes: 100,
  environment: { DB_PASSWORD: SECRET },
});

function refusal(task: unknown): TaskRefusedError {
  try {
    validator.check(task as NewTask);
  } catch (error) {
    if (error instanceof TaskRefusedError) return error;
    throw error;
  }
  return assert.fail("was not refused");
}

describe("task validation", () => {
  it("lets good tasks through, at the bounds too", () => {
    const bounds = { delayMs: 0, timeoutMs: 1, maxAttempts: 1 };
    validator.check({ kind: "greet", payload: { name: "Ada", at: [1, 2], version: 1 } });
    validator.check({ kind: "greet", payload: { name: "Ada" }, id: "a:1", ...bounds });
    const upper = { delayMs: 31_536_000_000, timeoutMs: 604_800_000, maxAttempts: 100 };
    validator.check({ kind: "any", payload: null, ...upper });
  });

  it("names an unknown kind and the known ones", () => {
    const error = refusal({ kind: "great", payload: {} });
    assert(error instanceof UnknownKindError);
    assert.equal(error.message, 'kind: "great" is no kind that this fleet runs; known kinds: any, greet');
    assert.deepEqual([error.reason, error.field, error.kind], ["kind", "kind", "great"]);
    const nobody = new TaskValidator({ kinds: [], maxPayloadBytes: 9, environment: {} });
    assert.throws(
      () => nobody.check({ kind: "x", payload: 1 }),
      /no kinds are published yet; is a spawner running\?/,
    );
  });

  it("names every field against the schema, its value and what is allowed", () => {
    const error = refusal({
      kind: "greet",
      payload: { name: "Grace Hopper", tone: "loud", at: [1, "x"], version: 2, more: true },
    });
    assert(error instanceof InvalidTaskError);
    assert.equal(error.reason, "payload");
    assert.deepEqual([...error.problems].sort(), [
      'payload.at[1]: "x" must be number',
      "payload.more: no such field",
      'payload.name: "Grace Hopper" must NOT have more than 5 characters',
      'payload.tone: "loud" must be one of "kind", "dry"',
      "payload.version: 2 must be 1",
    ]);
    assert.equal(refusal({ kind: "greet", payload: {} }).message, "payload.name: is missing");
    assert.equal(refusal({ kind: "greet", payload: "hello" }).message, 'payload: "hello" must be object');
  });

  it("shortens long values and long lists of problems", () => {
    const payload = { name: "x".repeat(80) };
    assert.equal(
      refusal({ kind: "greet", payload }).message,
      `payload.name: "${"x".repeat(56)}... must NOT have more than 5 characters`,
    );
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`f${n}`, n]));
    const { problems } = refusal({ kind: "greet", payload: { name: "a", ...many } }) as InvalidTaskError;
    assert.deepEqual([problems.length, problems.at(-1)], [11, "and 2 further problems"]);
  });

  it("names every wrong field of the task itself at once", () => {
    const error = refusal({
      kind: "greet",
      payload: {},
      id: "two words",
      delayMs: -1,
      timeoutMs: 0,
      maxAttempts: 2.5,
      delay: 3,
    });
    assert(error instanceof InvalidTaskError);
    assert.equal(error.field, "id");
    assert.deepEqual(error.problems, [
      'id: "two words" is no id; it must match ^[A-Za-z0-9._:-]{1,128}$',
      "delayMs: -1 is not allowed; a number from 0 to 31536000000 is",
      "timeoutMs: 0 is not allowed; a number from 1 to 604800000 is",
      "maxAttempts: 2.5 is not allowed; a whole number from 1 to 100 is",
      "delay: no such field; there are kind, payload, id, delayMs, timeoutMs, maxAttempts, priority, agentId, traceparent, tracestate",
    ]);
    for (const delayMs of [Number.NaN, Number.POSITIVE_INFINITY, "5", null])
      assert.equal(refusal({ kind: "any", payload: 1, delayMs }).field, "delayMs");
    for (const agentId of ["", "two words", 'quo"te', 5, null])
      assert.equal(refusal({ kind: "any", payload: 1, agentId }).field, "agentId");
    assert.equal(refusal({ payload: 1 }).message, "kind: is missing");
    assert.equal(refusal({ kind: 7, payload: 1 }).message, "kind: 7 is no kind; a name is needed");
  });

  it("refuses what is no JSON value", () => {
    assert.equal(refusal({ kind: "any" }).message, "payload: is missing");
    assert.match(refusal({ kind: "any", payload: 5n }).message, /^payload: is no JSON value: .*BigInt/);
  });

  it("measures the payload as UTF-8 JSON text", () => {
    validator.check({ kind: "any", payload: "é".repeat(49) });
    const error = refusal({ kind: "any", payload: `${"é".repeat(49)}x` });
    assert(error instanceof PayloadTooLargeError);
    assert.match(
      error.message,
      /^payload: 101 bytes of JSON, at most 100 are allowed; .*TASKFLEET_MAX_PAYLOAD_BYTES$/,
    );
  });

  it("refuses secrets before the schema could show them", () => {
    const error = refusal({ kind: "greet", payload: { name: SECRET } });
    assert(error instanceof SecretInPayloadError);
    assert.deepEqual(
      [error.field, error.rule],
      ["payload.name", "the value of the environment variable DB_PASSWORD"],
    );
    assert(!error.message.includes(SECRET));
    assert.match(error.message, /^payload\.name: holds a secret \(the value of .* DB_PASSWORD\); /);
  });

  it("judges a payload by itself, for workers", () => {
    validator.checkPayload("greet", { name: "Ada" }, '{"name":"Ada"}');
    assert.throws(
      () => validator.checkPayload("greet", { name: 5 }, `{"name":5}`),
      /^InvalidTaskError: payload\.name: 5 must be string$/,
    );
  });

  it("tells whose published schema is broken", () => {
    const broken = new TaskValidator({
      kinds: [{ ...greet, kind: "broken", payload: { type: "nonsense" } }],
      maxPayloadBytes: 100,
      environment: {},
    });
    assert.throws(
      () => broken.check({ kind: "broken", payload: 1 }),
      /^TaskfleetError: kind broken: its published payload schema is not valid: /,
    );
  });
});
