import assert from "node:assert/strict";
import { redactor, redactValue } from "../../worker/src/logging/redact.ts";

describe("redactor", () => {
  it("replaces a secret before one that it contains, also with signs that patterns have", () => {
    const redact = redactor(["a.b", "a.b+c(d", "[x]|y\\"]);
    assert.equal(
      redact("1 a.b+c(d 2 a.b 3 axb 4 [x]|y\\ 5"),
      "1 [redacted] 2 [redacted] 3 axb 4 [redacted] 5",
    );
  });

  it("sees secrets that come later, and keeps the old ones", () => {
    let secrets: readonly string[] = ["first"];
    const redact = redactor(() => secrets);
    assert.equal(redact("first second"), "[redacted] second");
    secrets = ["first", "second"];
    assert.equal(redact("first second"), "[redacted] [redacted]");
  });

  it("leaves a text alone where there are no secrets, or empty ones", () => {
    assert.equal(redactor([""])("abc"), "abc");
  });
});

describe("redactValue", () => {
  const redact = redactor(["12345678", 'say "hush"']);

  it("replaces secrets in texts, names and numbers of a value, at any depth", () => {
    const value = { a: ["x 12345678", 12345678, true, null], "12345678": { b: 'say "hush" now' } };
    assert.deepEqual(redactValue(value, redact), {
      a: ["x [redacted]", "[redacted]", true, null],
      "[redacted]": { b: "[redacted] now" },
    });
  });

  it("gives a value without secrets as it is, and refuses what JSON cannot hold", () => {
    const value = { a: 1, at: new Date(0) };
    assert.equal(redactValue(value, redact), value);
    assert.equal(redactValue(undefined, redact), undefined);
    assert.throws(() => redactValue({ n: 1n }, redact), TypeError);
  });
});
