import type { RunEvent } from "../../contract/run-events.ts";

/** Changes of tasks that wait for the record; `RecordStream` of the Redis adapter has them. */
export interface RunEventSource {
  /** Has changes told; up to so many bytes of them wait, then the oldest are dropped. */
  on(bytes: number): Promise<void>;
  /** `told`: of those `lost`, how many somebody was told of. */
  state(): Promise<{ readonly usedBytes: number; readonly lost: number; readonly told: number }>;
  /** So many lost ones were told. */
  tell(lost: number): Promise<void>;
  /** Id of the newest entry. */
  lastId(): Promise<string>;
  /** Has further entries get ids after this one, which the record has, also when the queue lost its last changes. */
  goOnAfter(id: string): Promise<void>;
  /** Entries after an id, oldest first, until they tell of `rows` tasks. */
  read(
    after: string,
    rows: number,
  ): Promise<readonly { readonly id: string; readonly rows: number; readonly event: RunEvent | undefined }[]>;
  /**
   * Drops entries up to this id, that one included. `rows`: of how many tasks they told when they were read; what was
   * dropped of them in the meantime is in the record and not lost.
   */
  trim(upTo: string, rows?: number): Promise<void>;
}

/** The position before all entries. */
export const BEFORE_ALL = "0-0";
