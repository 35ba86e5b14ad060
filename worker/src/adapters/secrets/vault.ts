import type { Variables } from "../../config/environment.ts";
import type { SecretSource } from "../../ports/secret-source.ts";
import { readSecretFile } from "./read-file.ts";

const TIMEOUT_MS = 10_000;
const DEFAULT_ADDRESS = "https://127.0.0.1:8200";
const KUBERNETES_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const DENIED = 403;

export interface VaultSecret {
  readonly mount: string;
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly auth?: { readonly client_token?: string };
  readonly data?: {
    readonly data?: Readonly<Record<string, unknown>> | null;
    readonly metadata?: { readonly deletion_time?: string };
  };
}

/**
 * The fields of a secret of Vault's key-value engine, version 2, in its newest version. The token is that of
 * `VAULT_TOKEN`, of the file `VAULT_TOKEN_FILE`, or what a login as the role `VAULT_ROLE` by the Kubernetes service
 * account gives; `VAULT_ADDR` and `VAULT_NAMESPACE` say where.
 */
class VaultSource implements SecretSource {
  readonly name: string;
  readonly changes = "poll";
  readonly #secret: VaultSecret;
  readonly #env: Variables;
  /** Of a login; "" without one. */
  #loggedIn = "";
  readonly #seen = new Set<string>();

  constructor(secret: VaultSecret, env: Variables) {
    this.name = `vault:${secret.mount}/${secret.path}`;
    this.#secret = secret;
    this.#env = env;
  }

  guarded(): readonly string[] {
    return [...this.#seen];
  }

  async read(): Promise<ReadonlyMap<string, string>> {
    const first = await this.#get(await this.#token());
    const again = first.status === DENIED && this.#loggedIn !== "";
    // The login may be too old.
    if (again) this.#loggedIn = "";
    const { status, data } = again ? await this.#get(await this.#token()) : first;
    const deleted = data?.metadata?.deletion_time ?? "";
    if (deleted !== "") throw new Error(`the newest version was deleted at ${deleted}`);
    if (status !== 200 || !data?.data) throw new Error(`Vault answered ${status}`);
    return new Map(
      Object.entries(data.data).filter((field): field is [string, string] => typeof field[1] === "string"),
    );
  }

  #get(token: string): Promise<Answer> {
    const { mount, path } = this.#secret;
    const place = path.split("/").map(encodeURIComponent).join("/");
    return this.#call(`${encodeURIComponent(mount)}/data/${place}`, { headers: { "x-vault-token": token } });
  }

  async #token(): Promise<string> {
    const { VAULT_TOKEN: value, VAULT_TOKEN_FILE: file, VAULT_ROLE: role } = this.#env;
    const token = value || (file ? (await readSecretFile(file)).trim() : await this.#login(role || ""));
    this.#seen.add(token);
    return token;
  }

  async #login(role: string): Promise<string> {
    if (this.#loggedIn !== "") return this.#loggedIn;
    if (role === "") throw new Error("none of VAULT_TOKEN, VAULT_TOKEN_FILE and VAULT_ROLE is set");
    const jwt = (await readSecretFile(this.#env.VAULT_KUBERNETES_TOKEN_FILE || KUBERNETES_TOKEN)).trim();
    this.#seen.add(jwt);
    const { status, auth } = await this.#call("auth/kubernetes/login", {
      method: "POST",
      body: JSON.stringify({ role, jwt }),
    });
    if (!auth?.client_token) throw new Error(`Vault answered ${status} to the login as ${role}`);
    this.#loggedIn = auth.client_token;
    return this.#loggedIn;
  }

  async #call(path: string, request: RequestInit): Promise<Answer> {
    const { VAULT_ADDR: address, VAULT_NAMESPACE: namespace } = this.#env;
    const response = await fetch(new URL(`/v1/${path}`, address || DEFAULT_ADDRESS), {
      ...request,
      headers: { ...request.headers, ...(namespace ? { "x-vault-namespace": namespace } : {}) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = (await response.json().catch(() => ({}))) as Omit<Answer, "status">;
    return { ...body, status: response.status };
  }
}

export function vaultSource(secret: VaultSecret, env: Variables): SecretSource {
  return new VaultSource(secret, env);
}
