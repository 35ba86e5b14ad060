import assert from "node:assert/strict";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { awsSource } from "../../worker/src/adapters/secrets/aws.ts";
import { startMoto, type TestAws } from "../support/moto.ts";

const CREDENTIALS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "eu-central-1" };

describe("secrets of AWS Secrets Manager", function () {
  this.timeout(180_000);
  let aws: TestAws;
  let client: SecretsManagerClient;
  const before_ = { ...process.env };

  before(async function () {
    const started = await startMoto();
    if (typeof started === "string") {
      console.log(`      skipped: ${started}`);
      this.skip();
    }
    aws = started;
    // The client's own variables: the source has no setting for an endpoint.
    Object.assign(process.env, CREDENTIALS, { AWS_ENDPOINT_URL_SECRETS_MANAGER: aws.url });
    client = new SecretsManagerClient();
  });
  after(async () => {
    for (const name of [...Object.keys(CREDENTIALS), "AWS_ENDPOINT_URL_SECRETS_MANAGER"]) {
      const old = before_[name];
      if (old === undefined) delete process.env[name];
      else process.env[name] = old;
    }
    client?.destroy();
    await aws?.stop();
  });

  const read = async (id: string, region = "") => (await awsSource({ id, region, name: "PLAIN" })).read();

  it("are the fields of a JSON object, by name and by ARN, in the newest version", async () => {
    const text = JSON.stringify({ OPENAI_API_KEY: "first-key", port: 5432 });
    const { ARN } = await client.send(new CreateSecretCommand({ Name: "prod/llm", SecretString: text }));
    const source = await awsSource({ id: String(ARN), region: "", name: "PLAIN" });
    assert.deepEqual([...(await source.read())], [["OPENAI_API_KEY", "first-key"]]);
    const next = JSON.stringify({ OPENAI_API_KEY: "second-key" });
    await client.send(new PutSecretValueCommand({ SecretId: "prod/llm", SecretString: next }));
    assert.deepEqual([...(await source.read())], [["OPENAI_API_KEY", "second-key"]]);
    assert.deepEqual([...(await read("prod/llm"))], [["OPENAI_API_KEY", "second-key"]]);
  });

  it("are one text, also from bytes", async () => {
    await client.send(new CreateSecretCommand({ Name: "text", SecretString: "plain-text\n" }));
    await client.send(new CreateSecretCommand({ Name: "bytes", SecretBinary: Buffer.from("bytes-text") }));
    assert.deepEqual([...(await read("text"))], [["PLAIN", "plain-text"]]);
    assert.deepEqual([...(await read("bytes"))], [["PLAIN", "bytes-text"]]);
  });

  it("are those of the region that the source names", async () => {
    const other = new SecretsManagerClient({ region: "us-east-1" });
    await other.send(new CreateSecretCommand({ Name: "far", SecretString: "far-away" }));
    other.destroy();
    assert.deepEqual([...(await read("far", "us-east-1"))], [["PLAIN", "far-away"]]);
    await assert.rejects(read("far"), { name: "ResourceNotFoundException" });
  });

  it("fail when there are none, or they are deleted", async () => {
    await assert.rejects(read("nothing"), { name: "ResourceNotFoundException" });
    await client.send(new CreateSecretCommand({ Name: "gone", SecretString: "was-here" }));
    await client.send(new DeleteSecretCommand({ SecretId: "gone" }));
    await assert.rejects(read("gone"), { name: "InvalidRequestException" });
  });
});
