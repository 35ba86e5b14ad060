/**
 * The secrets that a process has, from all its sources: which value counts now, and every value that must not be
 * shown. Sources that can change are read again; who asks the next time gets the new value.
 */
import { baseName, currentSecret, isRotationDate, rotationProblem } from "../core/rotation.ts";
import type { SecretSource } from "../ports/secret-source.ts";
import { GuardedValues } from "./guarded-values.ts";
import { SecretsError } from "./secrets-error.ts";

export interface SecretsOptions {
  /** The first that has a name gives its value. */
  readonly sources: readonly SecretSource[];
  /** How often those that can change are read again, in ms. */
  readonly refreshMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Values that must not be shown, beside those of the sources. */
  readonly guarded: readonly string[];
}

/** What is worth a line in the log. */
export interface SecretEvents {
  /** The value that counts for this name became another. */
  rotated(name: string): void;
  /** A source cannot be read any more; what it gave before still counts. */
  failed(source: string, error: unknown): void;
}

type Values = ReadonlyMap<string, string>;

export class Secrets {
  readonly #o: SecretsOptions;
  readonly #read = new Map<SecretSource, Values>();
  readonly #guarded: GuardedValues;
  readonly #listeners = new Set<() => void>();
  readonly #lookUp = (name: string): string | undefined => this.#find(name);
  #events: SecretEvents = { rotated: () => {}, failed: () => {} };
  #counting = new Map<string, string | undefined>();
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void)[] = [];
  #refreshing: Promise<void> | null = null;
  #again = false;

  private constructor(options: SecretsOptions) {
    this.#o = options;
    this.#guarded = new GuardedValues(options.guarded);
  }

  /**
   * Reads every source.
   * @throws SecretsError with every source that cannot be read.
   */
  static async open(options: SecretsOptions): Promise<Secrets> {
    const secrets = new Secrets(options);
    await secrets.#readAll(options.sources);
    secrets.#follow();
    return secrets;
  }

  /**
   * These names will be asked for. Sources that give only what they are asked for are read again.
   * @throws SecretsError with every one that cannot be read, and every rotation without a date.
   */
  async need(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const asked = this.#o.sources.filter(({ need }) => need !== undefined);
    for (const source of asked) source.need?.(names);
    await this.#readAll(asked);
    const problems = names.map((name) => rotationProblem(name, this.#lookUp));
    const wrong = problems.filter((problem) => problem !== undefined);
    if (wrong.length > 0) throw new SecretsError(wrong);
    this.#follow();
  }

  /** The value that counts now; `undefined` when no source has the name. */
  get(name: string): string | undefined {
    const value = currentSecret(name, this.#lookUp, this.#o.now());
    // Its date has come.
    if (this.#counting.has(name) && this.#counting.get(name) !== value) this.#tellRotations();
    return value;
  }

  /** @throws SecretsError when no source has the name. */
  require(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new SecretsError([`${name} is not set`]);
    return value;
  }

  names(): readonly string[] {
    const all = [...this.#read.values()].flatMap((values) => [...values.keys()]);
    return [...new Set(all.filter((name) => !isRotationDate(name)).map(baseName))];
  }

  /** As the sources have them, dates and successors too: for another process that decides itself what counts. */
  raw(names: readonly string[]): Readonly<Record<string, string>> {
    const found = names.map((name) => [name, this.#find(name)] as const);
    return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** Every value that must not be shown, old ones too. The same array until there is another value. */
  values(): readonly string[] {
    return this.#guarded.all;
  }

  /** These values must not be shown either. */
  guard(values: readonly string[]): void {
    this.#guarded.add(values, new Map());
  }

  /** From now on these are told; nobody is before. */
  report(events: SecretEvents): void {
    this.#events = events;
  }

  /** Calls `listener` whenever a source gave something else. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Reads what can change again; a source that fails is told, and keeps what it gave. */
  refresh(): Promise<void> {
    if (this.#refreshing !== null) {
      this.#again = true;
      return this.#refreshing;
    }
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Reads nothing any more. */
  stop(): void {
    clearInterval(this.#timer);
    for (const end of this.#unwatch) end();
    this.#unwatch = [];
  }

  #find(name: string): string | undefined {
    for (const source of this.#o.sources) {
      const value = this.#read.get(source)?.get(name);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  async #refresh(): Promise<void> {
    do {
      this.#again = false;
      const changing = this.#o.sources.filter(({ changes }) => changes !== "never");
      const before = new Map(this.#read);
      const failures = await this.#tryAll(changing);
      for (const { source, error } of failures) this.#events.failed(source.name, error);
      this.#tellRotations();
      const same = changing.every((source) => sameValues(before.get(source), this.#read.get(source)));
      if (!same) for (const listener of this.#listeners) listener();
    } while (this.#again);
  }

  async #readAll(sources: readonly SecretSource[]): Promise<void> {
    const failures = await this.#tryAll(sources);
    if (failures.length > 0)
      throw new SecretsError(failures.map(({ source, error }) => `${source.name}: ${textOf(error)}`));
    this.#counting = this.#judge();
  }

  async #tryAll(sources: readonly SecretSource[]) {
    const failures: { readonly source: SecretSource; readonly error: unknown }[] = [];
    await Promise.all(
      sources.map(async (source) => {
        try {
          this.#read.set(source, await source.read());
        } catch (error) {
          failures.push({ source, error });
        }
        this.#guarded.add(source.guarded?.() ?? [], this.#read.get(source) ?? new Map());
      }),
    );
    return failures;
  }

  #judge(): Map<string, string | undefined> {
    const now = this.#o.now();
    return new Map(this.names().map((name) => [name, currentSecret(name, this.#lookUp, now)]));
  }

  /** A secret that is new, or gone, has not rotated. */
  #tellRotations(): void {
    const before = this.#counting;
    this.#counting = this.#judge();
    for (const [name, value] of this.#counting) {
      const old = before.get(name);
      if (old !== undefined && value !== undefined && old !== value) this.#events.rotated(name);
    }
  }

  #follow(): void {
    this.stop();
    const changing = this.#o.sources.filter(({ changes }) => changes !== "never");
    if (changing.length === 0) return;
    const again = () => void this.refresh();
    this.#unwatch = changing.flatMap((source) => (source.watch === undefined ? [] : [source.watch(again)]));
    this.#timer = setInterval(again, this.#o.refreshMs).unref();
  }
}

function sameValues(one: Values = new Map(), other: Values = new Map()): boolean {
  return one.size === other.size && [...one].every(([name, value]) => other.get(name) === value);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
