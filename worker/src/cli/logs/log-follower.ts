import { type FSWatcher, watch } from "node:fs";
import { type LogPosition, type LogTail, logFiles, mergeLines, readFrom, readTail } from "./log-files.ts";
import type { LogLine } from "./log-line.ts";

export interface LogSelection {
  readonly directory: string;
  /** Only files whose name has this in it. */
  readonly source?: string;
}

/** Reads the log files of a folder: the last lines first, then what is written to old and new files. */
export class LogFollower {
  readonly #selection: LogSelection;
  readonly #positions = new Map<string, LogPosition>();
  #watcher: FSWatcher | undefined;

  constructor(selection: LogSelection) {
    this.#selection = selection;
  }

  /** The last `count` lines of all files together, by time. */
  last(count: number): LogLine[] {
    const tails = this.#files().flatMap((file) => this.#remember(file, () => readTail(file, count)));
    return count === 0 ? [] : mergeLines(tails).slice(-count);
  }

  /** Calls `onLines` with further lines as they are written, until `signal` aborts. */
  follow(onLines: (lines: readonly LogLine[]) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const read = () => {
        const lines = this.#further();
        if (lines.length > 0) onLines(lines);
      };
      this.#watcher = watch(this.#selection.directory, read).on("error", reject);
      signal.addEventListener("abort", () => {
        this.#watcher?.close();
        resolve();
      });
      // What was written between the first reading and the start of the watch.
      read();
    });
  }

  #further(): LogLine[] {
    const unread = { offset: 0, at: Date.now() };
    const read = (file: string) => readFrom(file, this.#positions.get(file) ?? unread);
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
