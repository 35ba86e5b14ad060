import assert from "node:assert/strict";
import { parseSource, secretName } from "../../worker/contract/secret-sources.ts";
import { parseSecret } from "../../worker/src/adapters/secrets/parse-secret.ts";
import { loadSettings, SettingsError } from "../../worker/src/config/load-settings.ts";

describe("a secret source", () => {
  it("is named by its kind and place, with a name for a text that has none", () => {
    assert.deepEqual(parseSource("file:/run/secrets/openai-api-key.txt"), {
      ...{ type: "file", path: "/run/secrets/openai-api-key.txt", name: "OPENAI_API_KEY" },
    });
    const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/llm-AbCdEf";
    assert.deepEqual(parseSource(`aws:${arn}?region=eu-central-1#OPENAI_API_KEY`), {
      ...{ type: "aws", id: arn, region: "eu-central-1", name: "OPENAI_API_KEY" },
    });
    const secret = "projects/p-1/secrets/openai";
    const gcp = { type: "gcp", version: `${secret}/versions/latest`, name: "OPENAI" };
    assert.deepEqual(parseSource(`gcp:${secret}`), gcp);
    assert.deepEqual(parseSource(`gcp:${secret}/versions/7`), { ...gcp, version: `${secret}/versions/7` });
    assert.deepEqual(parseSource("vault:secret/teams/llm"), {
      ...{ type: "vault", mount: "secret", path: "teams/llm", name: "LLM" },
    });
  });

  it("of a wrong form is told at start, with the forms that there are", () => {
    const wrong = ["s3:bucket", "vault:secret", "gcp:secrets/a", "file:", "aws:a b", "file:/x#1-2"];
    for (const item of wrong) assert.equal(parseSource(item), undefined, item);
    const environment = { TASKFLEET_SECRET_SOURCES: "file:/a.json,vault:secret" };
    for (const role of ["worker", "spawner", "api", "cli"] as const) {
      assert.throws(
        () => loadSettings(environment, role, "/nowhere"),
        (error) =>
          error instanceof SettingsError &&
          error.problems.length === 1 &&
          error.problems[0]?.wayOut === 'Correct or remove "vault:secret".',
        role,
      );
    }
  });
});

describe("a secret's text", () => {
  it("that is a JSON object gives each of its texts; any other is one secret", () => {
    const object = '{"OPENAI_API_KEY": "sk-1", "port": 5432, "nested": {"a": "b"}}';
    assert.deepEqual([...parseSecret(object, "LLM")], [["OPENAI_API_KEY", "sk-1"]]);
    for (const text of ['["a"]', "{not json", '"quoted"', "12345"])
      assert.deepEqual([...parseSecret(`${text}\n`, "LLM")], [["LLM", text]]);
  });

  it("has the name of the last part of its place", () => {
    assert.equal(secretName("prod/openai-api.key"), "OPENAI_API_KEY");
    assert.equal(secretName("arn:aws:x:secret:team/key/"), "KEY");
  });
});
