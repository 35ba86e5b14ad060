/** Where secrets come from: the environment, files, a cloud's secret store. */
export interface SecretSource {
  /** As errors and logs name it; never with a credential. */
  readonly name: string;
  /**
   * Whether values can become others while the process runs: `never`; `poll`: seen when it is read again; `watch`:
   * `watch` tells, and it is read again now and then all the same.
   */
  readonly changes: "never" | "poll" | "watch";
  /** All that it has now, by name. Rejects with the reason when it cannot be read; the reason never holds a value. */
  read(): Promise<ReadonlyMap<string, string>>;
  /** Calls `changed` when it should be read again. Returns what ends that. */
  watch?(changed: () => void): () => void;
  /** These names will be asked for: of a source that gives only what it is asked for. */
  need?(names: readonly string[]): void;
  /** Values beside those that it gives which must never be shown, such as the token it logs in with. */
  guarded?(): readonly string[];
}
