import { once } from "node:events";
import { watch } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type LogPosition, type LogTail, logFiles, mergeLines, readFrom, readTail } from "./log-files.ts";
import type { Accepts } from "./log-filter.ts";
import type { LogLine } from "./log-line.ts";

export interface LogSelection {
  readonly directory: string;
  /** Only files whose name has this in it. */
  readonly source?: string;
  /** Only these lines; default: all. */
  readonly accepts?: Accepts | undefined;
}

/** Lines that are written within so many ms are read together, and put in the order of their times. */
const GATHER_MS = 50;

/** Reads the log files of a folder: the last lines first, then what is written to old and new files. */
export class LogFollower {
  readonly #selection: LogSelection;
  readonly #positions = new Map<string, LogPosition>();

  constructor(selection: LogSelection) {
    this.#selection = selection;
  }

  /** The last `count` lines of all files together, by time. */
  last(count: number): LogLine[] {
    const tails = this.#files().flatMap((file) =>
      this.#remember(file, () => readTail(file, count, this.#selection.accepts)),
    );
    return count === 0 ? [] : mergeLines(tails).slice(-count);
  }

  /**
   * Calls `onLines` with further lines as they are written, until `signal` aborts; reads on when what it returns is
   * done. Throws when the folder cannot be read any more.
   */
  async follow(
    onLines: (lines: readonly LogLine[]) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    let changed = Promise.withResolvers<void>();
    const watcher = watch(this.#selection.directory, () => changed.resolve());
    watcher.on("error", (error) => changed.reject(error));
    const aborted = once(signal, "abort").then(() => {});
    try {
      // The first round brings what was written between the first reading and the start of the watch.
      while (!signal.aborted) {
        changed = Promise.withResolvers<void>();
        // Nobody may be waiting yet when the watch fails.
        changed.promise.catch(() => {});
        const lines = this.#further();
        if (lines.length > 0) await Promise.race([onLines(lines), aborted]);
        await Promise.race([changed.promise, aborted]);
        await delay(GATHER_MS, undefined, { signal }).catch(() => {});
      }
    } finally {
      watcher.close();
    }
  }

  #further(): LogLine[] {
    const read = (file: string) => readFrom(file, this.#positions.get(file), this.#selection.accepts);
    return mergeLines(this.#files().flatMap((file) => this.#remember(file, read)));
  }

  #files(): string[] {
    return logFiles(this.#selection.directory, this.#selection.source);
  }

  #remember(file: string, read: (file: string) => LogTail): LogTail[] {
    try {
      const tail = read(file);
      this.#positions.set(file, tail);
      return [tail];
    } catch (error) {
      // The spawner deletes old logs at any time.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      this.#positions.delete(file);
      return [];
    }
  }
}
