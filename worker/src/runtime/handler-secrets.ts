import { type Handler, PermanentError } from "../handler.ts";

/** Where handlers get their secrets from. */
export interface SecretReader {
  /** The value that counts now. Throws when there is none. */
  require(name: string): string;
}

/** The secrets that a handler requires, as they count now. */
export function secretsOf({ requires }: Handler, secrets: SecretReader): Readonly<Record<string, string>> {
  const names = requires?.secrets ?? [];
  return Object.fromEntries(names.map((name) => [name, secrets.require(name)]));
}

/** @throws PermanentError when the secret is none of those that the handler of this kind requires. */
export function secretOf(known: Readonly<Record<string, string>>, kind: string, name: string): string {
  const value = known[name];
  if (value === undefined) throw notRequired(kind, name);
  return value;
}

export function notRequired(kind: string, name: string): PermanentError {
  return new PermanentError(
    `the handler "${kind}" asks for the secret ${name}; add it to its requires.secrets`,
  );
}
