import { isRotationDate } from "../core/rotation.ts";

/** Shorter ones stand in ordinary words: a log without them could not be read. */
const SHORTEST = 4;

/** Values that must not be shown. One that was a secret stays one. */
export class GuardedValues {
  #all: readonly string[];

  constructor(values: readonly string[]) {
    this.#all = [...new Set(values)];
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
    if (fresh.length > 0) this.#all = [...new Set([...this.#all, ...fresh])];
  }
}
