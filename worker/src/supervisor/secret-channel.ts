/** The secrets that a supervisor reads in its confined worker's place, which may open neither files nor the network's stores. */
import { SETTINGS, type Setting } from "../../contract/settings.ts";
import type { Variables } from "../config/environment.ts";
import { namesOf } from "../core/rotation.ts";
import { isSecretName } from "../core/secret-scan.ts";
import type { SupervisorMessage } from "../runtime/supervisor-link.ts";
import type { Secrets } from "../secrets/secrets.ts";

type SecretsMessage = Extract<SupervisorMessage, { readonly secrets: unknown }>;

/** Of other roles: no worker gets them, whatever its handlers ask for. */
const FOREIGN: ReadonlySet<string> = new Set(
  (Object.values(SETTINGS) as readonly Setting[])
    .filter(({ type, roles }) => type === "secret" && !roles.includes("worker"))
    .flatMap(({ env }) => namesOf(env)),
);

/** What supervisors and sources log in with. */
const LOGINS = /^(?:AWS_|VAULT_|GOOGLE_)/;

function allowed(name: string): boolean {
  return !FOREIGN.has(name) && !LOGINS.test(name);
}

/** Settings whose names do not look like a secret's are known by their type. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set(
  (Object.values(SETTINGS) as readonly Setting[])
    .filter(({ type }) => type === "secret")
    .map(({ env }) => env),
);

/** An environment without what is or looks like a secret, or names the file of one. */
export function withoutSecrets(env: Variables): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => {
    const plain = name.replace(/_FILE$/, "");
    return !isSecretName(plain) && !SECRET_SETTINGS.has(plain) && !FOREIGN.has(plain);
  });
  return Object.fromEntries(kept);
}

/** Answers one worker. The sources are opened when it asks for the first time: most workers never do. */
export class SecretChannel {
  readonly #open: () => Promise<Secrets>;
  readonly #tell: (message: SecretsMessage) => void;
  #secrets: Promise<Secrets> | null = null;
  #names: readonly string[] = [];

  constructor(open: () => Promise<Secrets>, tell: (message: SecretsMessage) => void) {
    this.#open = open;
    this.#tell = tell;
  }

  /** The worker asks for these names. */
  async asked(names: readonly string[]): Promise<void> {
    this.#names = names.filter(allowed);
    try {
      this.#secrets ??= this.#opened();
      const secrets = await this.#secrets;
      await secrets.need(this.#names);
      this.#answer(secrets);
    } catch (error) {
      this.#tell({ secrets: {}, problem: error instanceof Error ? error.message : String(error) });
    }
  }

  async stop(): Promise<void> {
    (await this.#secrets?.catch(() => null))?.stop();
  }

  async #opened(): Promise<Secrets> {
    const secrets = await this.#open();
    secrets.report({
      rotated: () => {},
      failed: (source, error) =>
        process.stderr.write(`secrets of ${source} cannot be read: ${String(error)}\n`),
    });
    secrets.onChange(() => this.#answer(secrets));
    return secrets;
  }

  #answer(secrets: Secrets): void {
    this.#tell({ secrets: secrets.raw(this.#names.flatMap(namesOf)) });
  }
}
