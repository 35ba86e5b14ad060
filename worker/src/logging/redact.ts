import { spellingsOf } from "../core/secret-spellings.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

function asPattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

/** Values, or where they are: whoever has that sees new ones too. It gives the same array while they are the same. */
export type SecretList = readonly string[] | (() => readonly string[]);

type Redact = (text: string) => string;

function redactAll(secrets: readonly string[]): Redact {
  const all = new Set(secrets.filter((secret) => secret !== "").flatMap(spellingsOf));
  // The longest first: a secret may contain another.
  const ordered = [...all].sort((one, other) => other.length - one.length);
  if (ordered.length === 0) return (text) => text;
  // Nearly every text has none of them, and one pass says so.
  const any = new RegExp(ordered.map(asPattern).join("|"));
  return (text) =>
    any.test(text) ? ordered.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text) : text;
}

/**
 * A function that replaces the secrets in a text, in every way that they may be written there.
 * Empty secrets are ignored.
 */
export function redactor(secrets: SecretList): Redact {
  if (typeof secrets !== "function") return redactAll(secrets);
  let known = secrets();
  let redact = redactAll(known);
  return (text) => {
    const now = secrets();
    if (now !== known) {
      known = now;
      redact = redactAll(known);
    }
    return redact(text);
  };
}

/**
 * The same in all texts of a JSON value, names of fields and numbers too; the value itself when it has none.
 * @throws TypeError for a value that JSON cannot hold.
 */
export function redactValue(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  const text = JSON.stringify(value);
  return text === undefined || redact(text) === text ? value : redactParts(JSON.parse(text), redact);
}

function redactParts(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value === "number") return redact(String(value)) === String(value) ? value : REDACTED;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((part) => redactParts(part, redact));
  const fields = Object.entries(value).map(([name, part]) => [redact(name), redactParts(part, redact)]);
  return Object.fromEntries(fields);
}
