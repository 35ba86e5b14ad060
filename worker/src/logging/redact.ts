/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** Every way in which a secret may be written in a log line or a URL. */
function spellings(secret: string): string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

/**
 * A function that replaces the secrets in a text, as they are, as JSON escapes them and percent-encoded.
 * Empty secrets are ignored.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const all = new Set(secrets.filter((secret) => secret !== "").flatMap(spellings));
  // The longest first: a secret may contain another.
  const ordered = [...all].sort((one, other) => other.length - one.length);
  return (text) => ordered.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
}
