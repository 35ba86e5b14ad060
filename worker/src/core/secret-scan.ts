/** Finds secrets in payloads: known key formats, and values of the pusher's own environment. */

/** Where a secret stands (`$.env.OPENAI`, `$.files[0].name`) and which rule knew it. Never the value. */
export interface FoundSecret {
  readonly path: string;
  readonly rule: string;
}

interface KeyFormat {
  readonly rule: string;
  readonly source: string;
}

/** Matched only where no letter or digit stands before. */
const KEY_FORMATS: readonly KeyFormat[] = [
  { rule: "Anthropic key", source: "sk-ant-[A-Za-z0-9_-]{20,}" },
  { rule: "OpenRouter key", source: "sk-or-v1-[A-Za-z0-9]{20,}" },
  { rule: "OpenAI key", source: "sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})" },
  { rule: "AWS access key id", source: "(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])" },
  { rule: "GitHub token", source: "(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})" },
  { rule: "GitLab token", source: "glpat-[A-Za-z0-9_-]{20,}" },
  { rule: "Slack token", source: "xox[abeoprs]-[A-Za-z0-9-]{10,}" },
  { rule: "Google API key", source: "AIza[A-Za-z0-9_-]{35}" },
  { rule: "Stripe key", source: "[rs]k_live_[A-Za-z0-9]{16,}" },
  { rule: "npm token", source: "npm_[A-Za-z0-9]{36}" },
  { rule: "private key", source: "-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----" },
];

const FORMATS = KEY_FORMATS.map(({ rule, source }) => ({
  rule,
  pattern: new RegExp(`(?<![A-Za-z0-9])${source}`),
}));

/** Wider than the rules: in JSON text a line break before a key reads `\n`, whose `n` looks like a word's end. */
const ANY_FORMAT = new RegExp(KEY_FORMATS.map(({ source }) => source).join("|"));

const SECRET_NAME = /(?:KEY|TOKEN|SECRET|PASSWORD)(?:_NEW)?$/i;
const NONE: readonly string[] = [];
/** A shorter value of such a variable is taken for something else. */
export const SHORTEST_SECRET = 8;

/** Whether a variable of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Strings under such names are looked at decoded too. */
const BASE64_NAME = /Base64$/;
const BASE64_NAME_IN_JSON = /Base64":/;

type Environment = Readonly<Record<string, string | undefined>>;

interface OwnSecret {
  readonly rule: string;
  readonly value: string;
  /** The value as it stands inside a JSON string. */
  readonly inJson: string;
}

/** Knows the key formats and the secrets of one environment. */
export class SecretScanner {
  readonly #fixed: readonly OwnSecret[];
  readonly #further: () => readonly string[];
  #seen: readonly string[] = NONE;
  #own: readonly OwnSecret[];

  /**
   * `environment`: of its variables whose name ends in KEY, TOKEN, SECRET or PASSWORD, values of 8 characters
   * or more are secrets. `further`: others, of 8 characters or more; the same array for as long as they are the same.
   */
  constructor(environment: Environment, further: () => readonly string[] = () => NONE) {
    this.#fixed = Object.entries(environment).flatMap(([name, value]) =>
      SECRET_NAME.test(name) ? ownSecret(`the value of the environment variable ${name}`, value) : [],
    );
    this.#own = this.#fixed;
    this.#further = further;
  }

  /** The first secret in a JSON value, in document order. `text`: its JSON text, where it is at hand. */
  find(payload: unknown, text: string = JSON.stringify(payload)): FoundSecret | undefined {
    this.#update();
    const suspicious =
      ANY_FORMAT.test(text) ||
      BASE64_NAME_IN_JSON.test(text) ||
      this.#own.some(({ inJson }) => text.includes(inJson));
    return suspicious ? this.#walk(payload, "$", "") : undefined;
  }

  #update(): void {
    const further = this.#further();
    if (further === this.#seen) return;
    this.#seen = further;
    const known = new Set(this.#fixed.map(({ value }) => value));
    const fresh = further.filter((value) => !known.has(value));
    this.#own = [...this.#fixed, ...fresh.flatMap((value) => ownSecret("a secret of this process", value))];
  }

  #walk(value: unknown, path: string, name: string): FoundSecret | undefined {
    if (typeof value === "string") return this.#inString(value, path, name);
    if (typeof value === "number") return this.#inText(String(value), path);
    if (typeof value !== "object" || value === null) return undefined;
    for (const [key, child] of Object.entries(value)) {
      const rule = Array.isArray(value) ? undefined : this.#ruleOf(key);
      if (rule !== undefined) return { path: `${path} (a field's name)`, rule };
      const found = this.#walk(child, childPath(value, path, key), Array.isArray(value) ? name : key);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #inString(value: string, path: string, name: string): FoundSecret | undefined {
    const plain = this.#inText(value, path);
    if (plain !== undefined || !BASE64_NAME.test(name)) return plain;
    return this.#inText(Buffer.from(value, "base64").toString("latin1"), path);
  }

  #inText(text: string, path: string): FoundSecret | undefined {
    const rule = this.#ruleOf(text);
    return rule === undefined ? undefined : { path, rule };
  }

  #ruleOf(text: string): string | undefined {
    const own = this.#own.find(({ value }) => text.includes(value));
    if (own !== undefined) return own.rule;
    return FORMATS.find(({ pattern }) => pattern.test(text))?.rule;
  }
}

function ownSecret(rule: string, value = ""): OwnSecret[] {
  return value.length < SHORTEST_SECRET ? [] : [{ rule, value, inJson: JSON.stringify(value).slice(1, -1) }];
}

function childPath(parent: object, path: string, key: string): string {
  if (Array.isArray(parent)) return `${path}[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}
