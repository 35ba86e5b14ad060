/** Where what tasks return is kept. */

/** `redis`: with the result's record; `fs`: in a file, which the record names. */
export const RESULT_BACK_ENDS = ["redis", "fs"] as const;
export type ResultBackEnd = (typeof RESULT_BACK_ENDS)[number];

/** Folder of the files where containers run: a volume. */
export const RESULT_VOLUME = "/var/lib/taskfleet/results";

/** An output that is kept in a file. */
export interface StoredOutput {
  readonly backend: "fs";
  /** Path below the folder of results: queue, time, file. */
  readonly file: string;
}
