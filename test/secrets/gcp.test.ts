import assert from "node:assert/strict";
import { gcpSource } from "../../worker/src/adapters/secrets/gcp.ts";
import {
  type Answer,
  type ContractServer,
  type Request,
  startContractServer,
} from "./support/contract-server.ts";

const TOKEN = "ya29.metadata-token";
const VERSION = "projects/p-1/secrets/llm/versions/latest";
const METADATA = { "metadata-flavor": "Google" };

/** As Secret Manager's REST reference and the metadata server's documents say. */
function answer({ path, headers }: Request): Answer {
  if (path.startsWith("/computeMetadata/v1/instance/service-accounts/default/token"))
    return {
      status: 200,
      headers: METADATA,
      body: { access_token: TOKEN, expires_in: 3600, token_type: "Bearer" },
    };
  if (path.startsWith("/computeMetadata/")) return { status: 200, headers: METADATA, body: "" };
  if (headers.authorization !== `Bearer ${TOKEN}`)
    return { status: 401, body: { error: { code: 401, status: "UNAUTHENTICATED" } } };
  if (path === `/v1/${VERSION}:access`) {
    const data = Buffer.from('{"OPENAI_API_KEY": "gcp-key"}').toString("base64");
    return { status: 200, body: { name: VERSION, payload: { data } } };
  }
  if (path.includes("/secrets/closed/"))
    return { status: 403, body: { error: { code: 403, status: "PERMISSION_DENIED" } } };
  return { status: 404, body: { error: { code: 404, status: "NOT_FOUND" } } };
}

describe("secrets of GCP Secret Manager", () => {
  let server: ContractServer;
  const names = ["GCE_METADATA_HOST", "METADATA_SERVER_DETECTION", "GOOGLE_APPLICATION_CREDENTIALS"] as const;
  const before_ = names.map((name) => [name, process.env[name]] as const);
  before(async () => {
    server = await startContractServer(answer);
    // Google's own variables: application default credentials then are the machine's.
    process.env.GCE_METADATA_HOST = server.url.replace("http://", "");
    process.env.METADATA_SERVER_DETECTION = "assume-present";
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
  });
  after(async () => {
    for (const [name, value] of before_) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await server.stop();
  });

  const open = (version: string) =>
    gcpSource(
      { version, name: "PLAIN" },
      { CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `${server.url}/` },
    );

  it("are what a version holds, asked for with the machine's token", async () => {
    const source = await open(VERSION);
    assert.deepEqual([...(await source.read())], [["OPENAI_API_KEY", "gcp-key"]]);
    assert.deepEqual(source.guarded?.(), [TOKEN]);
  });

  it("fail with the service's own word", async () => {
    const none = await open("projects/p-1/secrets/none/versions/1");
    await assert.rejects(none.read(), { message: "Secret Manager answered 404 NOT_FOUND" });
    const closed = await open("projects/p-1/secrets/closed/versions/1");
    await assert.rejects(closed.read(), { message: "Secret Manager answered 403 PERMISSION_DENIED" });
  });
});
