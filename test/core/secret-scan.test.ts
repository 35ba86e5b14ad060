import assert from "node:assert/strict";
import { SecretScanner } from "../../worker/src/core/secret-scan.ts";

type Environment = Readonly<Record<string, string>>;
const none: { environment: Environment } = { environment: {} };
const findSecret = (payload: unknown, { environment }: { environment: Environment }) =>
  new SecretScanner(environment).find(payload);
const letters = (count: number) => "aB3dE6gH9jK2".repeat(20).slice(0, count);

/** Samples are put together here, so that no file holds anything that looks like a key. */
const SAMPLES: readonly (readonly [rule: string, sample: string])[] = [
  ["Anthropic key", ["sk", "ant", `api03-${letters(40)}`].join("-")],
  ["OpenRouter key", ["sk", "or", "v1", letters(40)].join("-")],
  ["OpenAI key", ["sk", letters(48)].join("-")],
  ["OpenAI key", ["sk", "proj", `${letters(30)}_-x`].join("-")],
  ["AWS access key id", ["AKIA", "ABCDEFGH23456789"].join("")],
  ["AWS access key id", ["ASIA", "ABCDEFGH23456789"].join("")],
  ["GitHub token", ["ghp", letters(36)].join("_")],
  ["GitHub token", ["ghs", letters(36)].join("_")],
  ["GitHub token", ["github", "pat", letters(40)].join("_")],
  ["GitLab token", ["glpat", letters(20)].join("-")],
  ["Slack token", ["xoxb", "1234567890", letters(12)].join("-")],
  ["Google API key", ["AI", `za${letters(35)}`].join("")],
  ["Stripe key", ["sk", "live", letters(24)].join("_")],
  ["Stripe key", ["rk", "live", letters(24)].join("_")],
  ["npm token", ["npm", letters(36)].join("_")],
  ["private key", ["-----BEGIN", "PRIVATE KEY-----"].join(" ")],
  ["private key", ["-----BEGIN RSA", "PRIVATE KEY-----"].join(" ")],
  ["private key", ["-----BEGIN OPENSSH", "PRIVATE KEY-----"].join(" ")],
];

describe("secret scan", () => {
  for (const [rule, sample] of SAMPLES) {
    it(`knows a ${rule}, ${sample.slice(0, 7)}...`, () => {
      assert.deepEqual(findSecret(sample, none), { path: "$", rule });
      assert.deepEqual(findSecret({ a: `x=${sample}, y` }, none), { path: "$.a", rule });
      // In JSON text this reads `\n` and then the key, as if it were one word.
      assert.deepEqual(findSecret({ a: `first line\n${sample}\n` }, none), { path: "$.a", rule });
    });
  }

  it("names the path of the first one, in document order", () => {
    const key = SAMPLES[6]?.[1] ?? assert.fail();
    const payload = { args: ["a", { "odd name": { $env_2: [1, null, key] } }], later: key };
    assert.deepEqual(findSecret(payload, none), {
      path: '$.args[1]["odd name"].$env_2[2]',
      rule: "GitHub token",
    });
    assert.deepEqual(findSecret({ env: { [key]: 1 } }, none), {
      path: "$.env (a field's name)",
      rule: "GitHub token",
    });
  });

  it("lets through what only looks similar", () => {
    const harmless = [
      ["ta", `sk-${letters(48)}`].join(""),
      ["di", `sk-proj-${letters(30)}`].join(""),
      "sk-loading-spinner-container-with-long-name",
      ["xAKIA", "ABCDEFGH23456789"].join(""),
      ["AKIA", "ABCDEFGH234567890"].join(""),
      "-----BEGIN PUBLIC KEY-----",
      "-----BEGIN CERTIFICATE-----",
      ["sk", "test", letters(24)].join("_"),
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
    ];
    for (const text of harmless) assert.equal(findSecret({ text }, none), undefined, text);
  });

  it("looks into what fields ending in Base64 encode, and only those", () => {
    const encoded = Buffer.from(`PASS=1\n${SAMPLES[0]?.[1]}\n`).toString("base64");
    assert.deepEqual(findSecret({ stdinBase64: encoded }, none), {
      path: "$.stdinBase64",
      rule: "Anthropic key",
    });
    assert.deepEqual(findSecret({ filesBase64: [encoded] }, none), {
      path: "$.filesBase64[0]",
      rule: "Anthropic key",
    });
    assert.equal(findSecret({ stdin: encoded }, none), undefined);
    const bytes = Buffer.from([0xff, 0xfe, 0x00, ...Buffer.from(SAMPLES[6]?.[1] ?? "")]);
    assert.equal(findSecret({ xBase64: bytes.toString("base64") }, none)?.rule, "GitHub token");
    assert.equal(findSecret({ xBase64: "not base64 at all, but no matter" }, none), undefined);
  });

  describe("values of the environment", () => {
    const own = (name: string, value: string) => ({ environment: { [name]: value } });

    it("are secret by their variable's name", () => {
      for (const name of ["API_KEY", "TOKEN", "MY_SECRET", "REDIS_PASSWORD", "db_password"]) {
        assert.deepEqual(findSecret({ a: "--x=hunter-22" }, own(name, "hunter-22")), {
          path: "$.a",
          rule: `the value of the environment variable ${name}`,
        });
      }
      for (const name of ["HOME", "KEYBOARD", "TOKEN_FILE", "PASSWORDS"])
        assert.equal(findSecret({ a: "hunter-22" }, own(name, "hunter-22")), undefined, name);
    });

    it("count from 8 characters on", () => {
      assert.equal(findSecret("1234567", own("A_KEY", "1234567")), undefined);
      assert.notEqual(findSecret("12345678", own("A_KEY", "12345678")), undefined);
    });

    it("are found where JSON escapes them, in numbers, and in Base64", () => {
      const odd = 'two\nlines "quoted" \\ é';
      assert.equal(findSecret({ a: [`<${odd}>`] }, own("A_KEY", odd))?.path, "$.a[0]");
      assert.equal(findSecret({ pin: 1234567890 }, own("PIN_SECRET", "1234567890"))?.path, "$.pin");
      const encoded = Buffer.from("x hunter-22 y").toString("base64");
      assert.equal(findSecret({ inBase64: encoded }, own("A_KEY", "hunter-22"))?.path, "$.inBase64");
    });

    it("never show up in what is found", () => {
      const found = findSecret({ a: "hunter-22" }, own("A_KEY", "hunter-22"));
      assert(!JSON.stringify(found).includes("hunter"));
    });
  });
});
