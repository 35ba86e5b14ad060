import assert from "node:assert/strict";
import {
  baseName,
  currentSecret,
  namesOf,
  parseRotationDate,
  rotationProblem,
} from "../../worker/src/core/rotation.ts";

const lookUpIn = (variables: Readonly<Record<string, string>>) => (name: string) => variables[name];

describe("rotation by date", () => {
  const at = Date.UTC(2026, 11, 1, 8, 30);
  const variables = {
    OPENAI_API_KEY: "old",
    OPENAI_API_KEY_NEW: "new",
    OPENAI_KEY_ROTATION_DATE: "2026-12-01T08:30Z",
  };
  const current = (changes: object, now: number) =>
    currentSecret("OPENAI_API_KEY", lookUpIn({ ...variables, ...changes }), now);

  it("takes the new value at the very moment, not a millisecond before", () => {
    assert.deepEqual([current({}, at - 1), current({}, at)], ["old", "new"]);
  });

  it("keeps the old value without a date, and with one that cannot be read", () => {
    const far = Date.UTC(2100, 0, 1);
    for (const OPENAI_KEY_ROTATION_DATE of [undefined, "soon", "2026-02-31"])
      assert.equal(current({ OPENAI_KEY_ROTATION_DATE }, far), "old");
  });

  it("has nothing before the date when there was no old value", () => {
    const first = { OPENAI_API_KEY: undefined };
    assert.deepEqual([current(first, at - 1), current(first, at)], [undefined, "new"]);
  });

  it("reads the date of any secret by its own name, and of an API key by both", () => {
    assert.deepEqual(namesOf("OPENAI_API_KEY").slice(2), [
      "OPENAI_KEY_ROTATION_DATE",
      "OPENAI_API_KEY_ROTATION_DATE",
    ]);
    assert.deepEqual(namesOf("REDIS_PASSWORD"), [
      "REDIS_PASSWORD",
      "REDIS_PASSWORD_NEW",
      "REDIS_PASSWORD_ROTATION_DATE",
    ]);
    assert.equal(baseName("OPENAI_API_KEY_NEW"), "OPENAI_API_KEY");
  });

  it("takes dates for UTC, a day for its midnight", () => {
    assert.equal(parseRotationDate("2026-12-01"), Date.UTC(2026, 11, 1));
    assert.equal(parseRotationDate("2026-12-01 08:30:05"), Date.UTC(2026, 11, 1, 8, 30, 5));
    assert.equal(parseRotationDate("2026-12-01T08:30:00.250Z"), Date.UTC(2026, 11, 1, 8, 30, 0, 250));
    for (const text of ["2026-02-30", "2026-12-01T25:00", "01.12.2026", "2026-12-01T08:30+02:00", ""])
      assert.equal(parseRotationDate(text), undefined, text);
  });

  it("says what keeps a new value from ever counting, without showing it", () => {
    const problem = (changes: object) =>
      rotationProblem("OPENAI_API_KEY", lookUpIn({ ...variables, ...changes }));
    assert.equal(problem({}), undefined);
    assert.equal(problem({ OPENAI_API_KEY_NEW: undefined, OPENAI_KEY_ROTATION_DATE: "x" }), undefined);
    assert.equal(
      problem({ OPENAI_KEY_ROTATION_DATE: undefined }),
      "OPENAI_API_KEY_NEW is set, and nothing says from when on it counts; set OPENAI_KEY_ROTATION_DATE or OPENAI_API_KEY_ROTATION_DATE",
    );
    assert.equal(
      problem({ OPENAI_KEY_ROTATION_DATE: "31.12.2026" }),
      'OPENAI_KEY_ROTATION_DATE is "31.12.2026"; allowed: a date such as 2026-12-01 or 2026-12-01T08:30Z, in UTC',
    );
  });
});
