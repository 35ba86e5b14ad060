import type { Run, RunLogLine, RunStatus, RunWithLog } from "../../contract/runs.ts";

/** Which runs to list; what is not given does not matter. Times in ms since the epoch. */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly kind?: string;
  readonly agentId?: string;
  /** Changed at this time or later, and before that one. */
  readonly since?: number;
  readonly until?: number;
  /** At most so many, 1 to 1,000. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: RunCursor;
}

/** The last run of a page. */
export interface RunCursor {
  /** Microseconds since the epoch, in digits: the record is finer than a millisecond. */
  readonly updatedUs: string;
  readonly id: string;
}

export interface RunPage {
  /** Last changed first. */
  readonly runs: readonly Run[];
  /** Null at the end. */
  readonly next: RunCursor | null;
}

export type RunCounts = Readonly<Record<RunStatus, number>>;

/** What may be read of the record. Every method rejects with `StoreUnavailableError` while the database is away. */
export interface RunStore {
  /** The run and its log, by one query. */
  run(queue: string, id: string): Promise<RunWithLog | undefined>;
  runs(queue: string, filter: RunFilter): Promise<RunPage>;
  counts(queue: string): Promise<RunCounts>;
  /** Runs that have not ended, oldest first. */
  open(queue: string, filter: OpenFilter): Promise<readonly Run[]>;
  /**
   * Resolves when queries are answered, and rejects when they are not within a few seconds, however the database hangs.
   * @throws StoreUnavailableError, MigrationsMissingError
   */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenFilter {
  readonly status?: "queued" | "running";
  /** Started before it, in ms since the epoch; only running ones have a start. */
  readonly startedBefore?: number;
  /** Made before it. */
  readonly createdBefore?: number;
  /** Made after this run of the page before. */
  readonly after?: { readonly createdAt: number; readonly id: string };
  readonly limit: number;
}

/** Rows as they shall be, and lines to add to their logs. */
export interface RunChanges {
  readonly runs: readonly Run[];
  readonly lines: readonly (RunLogLine & { readonly id: string })[];
}

export interface StoreWrite {
  /** The runs that `change` gets to see; those that the record lacks are left out. */
  readonly ids: readonly string[];
  /** Pure; it may be called again. */
  readonly change: (runs: ReadonlyMap<string, Run>) => RunChanges;
  /** The recorder's position: it must be `from` (null: none yet) and becomes `to`. Without it it stays. */
  readonly position?: { readonly from: string | null; readonly to: string };
}

/** The record with its writing side, for the leading spawner and commands. */
export interface ActivityStore extends RunStore {
  /** Id of the last event that is in the record; null: none is. */
  position(queue: string): Promise<string | null>;
  /**
   * Changes runs in one transaction. Writers of a queue take turns. `moved`: the position is another one, and
   * nothing was written.
   */
  write(queue: string, write: StoreWrite): Promise<"written" | "moved">;
  /** Takes up to `limit` runs that ended before `before` out of the record, with their logs; returns how many. */
  expire(options: ExpireOptions): Promise<number>;
}

export interface ExpireOptions {
  readonly before: number;
  readonly mode: "delete" | "archive";
  readonly limit: number;
  /** Only count them. */
  readonly dryRun?: boolean;
}

/** The database does not answer, or gave up within a query. `message` names host, port and reason, never a password. */
export class StoreUnavailableError extends Error {
  override readonly name: string = "StoreUnavailableError";
}

/** The database is there and will not serve this client until somebody mends `wayOut`: login, rights, certificate. */
export class StoreRefusedError extends StoreUnavailableError {
  override readonly name = "StoreRefusedError";
  readonly wayOut: string;
  constructor(message: string, wayOut: string, options: ErrorOptions) {
    super(message, options);
    this.wayOut = wayOut;
  }
}

/** The database lacks tables that this version needs. */
export class MigrationsMissingError extends Error {
  override readonly name = "MigrationsMissingError";
  /** Their names, as far as known. */
  readonly missing: readonly string[];
  constructor(missing: readonly string[]) {
    super(
      `migrations are missing${missing.length === 0 ? "" : `: ${missing.join(", ")}`} (taskfleet db migrate)`,
    );
    this.missing = missing;
  }
}

/** PostgreSQL refused a value: the batch would be refused again. */
export class StoreDataError extends Error {
  override readonly name = "StoreDataError";
}
