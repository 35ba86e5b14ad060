import type { ResultRecord } from "../../contract/records.ts";
import type { ResultBackEnd } from "../../contract/results.ts";
import type { EntryPlace } from "../core/task.ts";

/** A result before its task is settled. */
export interface NewResult {
  /** The entry by which its worker holds the task. */
  readonly task: EntryPlace;
  readonly result: ResultRecord;
}

/** What Redis is to hold of a result; or why it could not be kept, in words. */
export type Kept = { readonly text: string } | { readonly failure: string };

/** A result's file without a look into it. */
export interface ResultFile {
  /** As a reference names it. */
  readonly file: string;
  /** Of its task. */
  readonly id: string;
  /** The entry by which its worker held the task. */
  readonly place: EntryPlace;
}

export interface SweepOptions {
  readonly queue: string;
  /** Only what was kept before it, in ms since the epoch. */
  readonly before: number;
  /** Which of these files are a task's result, or may become it. */
  readonly needed: (files: readonly ResultFile[]) => Promise<readonly boolean[]>;
}

/**
 * Keeps what tasks return. Whether a result counts is decided by the queue alone: `save` comes first, then the settle
 * with the text of `save`, and what the settle refuses is discarded.
 */
export interface ResultStore {
  readonly backEnd: ResultBackEnd;
  /** In the order of the results; what it answers with a text has reached the disk as far as the back end promises. Never rejects. */
  save(results: readonly NewResult[]): Promise<readonly Kept[]>;
  /** Forgets what `save` kept under these texts. */
  discard(texts: readonly string[]): Promise<void>;
  /**
   * A record of Redis with its output.
   * @throws ResultUnreadableError when that cannot be read here
   */
  load(record: ResultRecord): Promise<ResultRecord>;
  /** Removes what nobody needs any more; returns how many. */
  sweep(options: SweepOptions): Promise<number>;
}
