import { isRotationDate } from "../core/rotation.ts";
import { secretsWithin } from "../core/secret-spellings.ts";

/** Shorter ones stand in ordinary words: a log without them could not be read. */
const SHORTEST = 4;

/** Values that must not be shown. One that was a secret stays one. */
export class GuardedValues {
  #all: readonly string[];

  constructor(values: readonly string[]) {
    this.#all = withParts(values);
  }

  /** The same array until there is another value. */
  get all(): readonly string[] {
    return this.#all;
  }

  /** `named`: what a source gave, of which values shorter than 4 characters, and dates, are no secrets. */
  add(values: readonly string[], named: ReadonlyMap<string, string>): void {
    const given = [...named].filter(([name, value]) => !isRotationDate(name) && value.length >= SHORTEST);
    const known = new Set(this.#all);
    const fresh = [...values, ...given.map(([, value]) => value)].filter((value) => !known.has(value));
    if (fresh.length > 0) this.#all = [...new Set([...this.#all, ...withParts(fresh)])];
  }
}

/** Each with the secrets within it; a part too short would black out ordinary words. */
function withParts(values: readonly string[]): readonly string[] {
  const all = values.flatMap((value) => [
    value,
    ...secretsWithin(value).filter((part) => part.length >= SHORTEST),
  ]);
  return [...new Set(all)];
}
