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

  describe("knows a secret", () => {
    const SECRET = 'pa ss/"w<ö>rd\\+%1!';
    // In parts: nobody may take this file for one that holds a key.
    const begin = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
    const PEM = `${begin}\n${"A".repeat(63)}1\n${"B".repeat(63)}2\n-----END PRIVATE KEY-----\n`;
    const redact = redactor([SECRET, PEM]);
    const url = (password: string) => {
      const made = new URL("postgresql://app@db:5432/fleets");
      made.password = password;
      return made.href;
    };
    const json = (text: string) => JSON.stringify({ password: text });
    const slashes = (text: string) => text.replaceAll("/", "\\/");
    const ascii = (text: string) =>
      text.replaceAll(/[<>ö]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
    const cases: Readonly<Record<string, readonly [text: string, shown: string]>> = {
      "as it is": [`no ${SECRET}!`, "no [redacted]!"],
      "in a URL": [url(SECRET), "postgresql://app:[redacted]@db:5432/fleets"],
      "percent-encoded": [`?p=${encodeURIComponent(SECRET)}&q`, "?p=[redacted]&q"],
      "percent-encoded in small letters": [
        encodeURIComponent(SECRET).replaceAll(/%../g, (one) => one.toLowerCase()),
        "[redacted]",
      ],
      "in a form": [new URLSearchParams({ p: SECRET }).toString(), "p=[redacted]"],
      "in JSON": [json(SECRET), '{"password":"[redacted]"}'],
      "in JSON within JSON": [json(json(SECRET)), '{"password":"{\\"password\\":\\"[redacted]\\"}"}'],
      "in JSON of ASCII alone": [ascii(json(SECRET)), '{"password":"[redacted]"}'],
      "in JSON with escaped slashes": [slashes(json(SECRET)), '{"password":"[redacted]"}'],
      "of many lines, in JSON": [json(PEM), '{"password":"[redacted]"}'],
    };
    for (const [name, [text, shown]] of Object.entries(cases))
      it(name, () => {
        assert.equal(redact(text), shown);
      });

    it("in a header of basic authentication, wherever it begins there, in both alphabets", () => {
      for (const user of ["", "u", "us", "use", "user"])
        for (const form of ["base64", "base64url"] as const) {
          const sent = Buffer.from(`${user}:${SECRET}??`).toString(form);
          const shown = redact(`Authorization: Basic ${sent}`);
          assert.match(shown, /^Authorization: Basic [\w+/-]{0,8}\[redacted\][\w+/=-]{0,8}$/, user);
          assert.equal(shown.includes(sent.slice(10, -8)), false, user);
        }
    });
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
