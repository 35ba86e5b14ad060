import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { vaultSource } from "../../worker/src/adapters/secrets/vault.ts";
import { type ContractServer, type Request, startContractServer } from "./support/contract-server.ts";

const TOKEN = "hvs.right-token";
const METADATA = { created_time: "2026-11-01T00:00:00Z", deletion_time: "", destroyed: false, version: 2 };

/** As https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and .../auth/kubernetes say. */
class Vault {
  /** Tokens that it takes. */
  readonly tokens = new Set([TOKEN]);
  #logins = 0;

  answer({ method, path, headers, body }: Request) {
    if (method === "POST" && path === "/v1/auth/kubernetes/login") return this.#login(JSON.parse(body));
    if (!this.tokens.has(String(headers["x-vault-token"])))
      return { status: 403, body: { errors: ["permission denied"] } };
    if (path === "/v1/secret/data/teams/llm%20x") {
      const data = { OPENAI_API_KEY: "vault-key", retries: 3 };
      return { status: 200, body: { lease_duration: 0, data: { data, metadata: METADATA } } };
    }
    if (path === "/v1/secret/data/deleted") {
      const metadata = { ...METADATA, deletion_time: "2026-11-02T00:00:00Z" };
      return { status: 404, body: { data: { data: null, metadata } } };
    }
    return { status: 404, body: { errors: [] } };
  }

  #login({ role, jwt }: { role: string; jwt: string }) {
    if (role !== "workers" || jwt !== "service-account-jwt")
      return { status: 400, body: { errors: ["invalid role name"] } };
    const client_token = `hvs.login-${++this.#logins}`;
    this.tokens.add(client_token);
    return { status: 200, body: { auth: { client_token, lease_duration: 3600 } } };
  }
}

describe("secrets of Vault", () => {
  let server: ContractServer;
  let vault: Vault;
  let folder: string;
  beforeEach(async () => {
    vault = new Vault();
    server = await startContractServer((request) => vault.answer(request));
    folder = mkdtempSync(join(tmpdir(), "taskfleet-vault-"));
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const secret = { mount: "secret", path: "teams/llm x" };
  const open = (env: object, place = secret) => vaultSource(place, { VAULT_ADDR: server.url, ...env });

  it("are the texts of the newest version, asked for with the token and in the namespace", async () => {
    const source = open({ VAULT_TOKEN: TOKEN, VAULT_NAMESPACE: "team" });
    assert.deepEqual([...(await source.read())], [["OPENAI_API_KEY", "vault-key"]]);
    const asked = server.requests.map(({ method, path, headers }) => [
      method,
      path,
      headers["x-vault-namespace"],
    ]);
    assert.deepEqual(asked, [["GET", "/v1/secret/data/teams/llm%20x", "team"]]);
    assert.deepEqual(source.guarded?.(), [TOKEN]);
  });

  it("are read with the token that its file has now", async () => {
    const file = join(folder, "token");
    writeFileSync(file, `${TOKEN}\n`);
    const source = open({ VAULT_TOKEN_FILE: file });
    assert.equal((await source.read()).size, 1);
    writeFileSync(file, "hvs.wrong");
    await assert.rejects(source.read(), { message: "Vault answered 403" });
  });

  it("are read after a login by the service account, which is renewed when it is too old", async () => {
    const jwt = join(folder, "jwt");
    writeFileSync(jwt, "service-account-jwt");
    const source = open({ VAULT_ROLE: "workers", VAULT_KUBERNETES_TOKEN_FILE: jwt });
    await source.read();
    await source.read();
    vault.tokens.delete("hvs.login-1");
    assert.equal((await source.read()).get("OPENAI_API_KEY"), "vault-key");
    const logins = server.requests.filter(({ method }) => method === "POST").length;
    assert.equal(logins, 2);
    assert.deepEqual(source.guarded?.(), ["service-account-jwt", "hvs.login-1", "hvs.login-2"]);
  });

  it("fail with the reason, and without the token", async () => {
    const right = { VAULT_TOKEN: TOKEN };
    const nowhere = open(right, { mount: "secret", path: "none" }).read();
    await assert.rejects(nowhere, { message: "Vault answered 404" });
    const deleted = open(right, { mount: "secret", path: "deleted" }).read();
    await assert.rejects(deleted, { message: "the newest version was deleted at 2026-11-02T00:00:00Z" });
    await assert.rejects(open({ VAULT_TOKEN: "hvs.wrong" }).read(), { message: "Vault answered 403" });
    await assert.rejects(open({}).read(), /none of VAULT_TOKEN, VAULT_TOKEN_FILE and VAULT_ROLE is set/);
    const jwt = join(folder, "jwt");
    writeFileSync(jwt, "other");
    const stranger = open({ VAULT_ROLE: "workers", VAULT_KUBERNETES_TOKEN_FILE: jwt }).read();
    await assert.rejects(stranger, { message: "Vault answered 400 to the login as workers" });
  });
});
