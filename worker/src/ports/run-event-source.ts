import type { RunEvent } from "../../contract/run-events.ts";

/** Changes of tasks that wait for the record; `RecordStream` of the Redis adapter has them. */
export interface RunEventSource {
  /** Has changes told; up to so many bytes of them wait, then the oldest are dropped. */
  on(bytes: number): Promise<void>;
  state(): Promise<{ readonly usedBytes: number; readonly lost: number }>;
  /** Id of the newest entry. */
  lastId(): Promise<string>;
  /** Entries after an id, oldest first, until they tell of `rows` tasks. */
  read(
    after: string,
    rows: number,
  ): Promise<readonly { readonly id: string; readonly rows: number; readonly event: RunEvent | undefined }[]>;
  /** Has entries to come get ids after this one. */
  startAfter(id: string): Promise<void>;
  /** Drops entries up to this id, that one included. */
  trim(upTo: string): Promise<void>;
}

/** The position before all entries. */
export const BEFORE_ALL = "0-0";
