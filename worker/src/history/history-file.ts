/**
 * A file that several processes of one machine append to. Each write is one call on a file opened for appending, so lines
 * never mix. One process at a time puts the file aside, under a lock beside it; the others see that the file is another
 * and open it anew. Who wrote in between has its lines in the file that was put aside: none is lost.
 */
import { closeSync, fstatSync, mkdirSync, openSync, rmSync, type Stats, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { putAside } from "../logging/log-file.ts";

/** Whoever holds the lock renames a few files; one that is older was left by a process that died. */
const STALE_LOCK_MS = 10_000;
const MODE = 0o640;

export class HistoryFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #keep: number;
  #fd: number | null = null;
  #torn = false;

  /** `keep`: how many files that were put aside stay. Nothing is opened yet. */
  constructor(path: string, maxBytes: number, keep: number) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#keep = keep;
  }

  /**
   * Appends whole lines.
   * @throws Error of the system when they cannot be written.
   */
  append(lines: string): void {
    // What a full disk cut off ends here, and spoils no line but its own.
    const bytes = Buffer.from(this.#torn ? `\n${lines}` : lines);
    let file = this.#open();
    if (file.size > 0 && file.size + bytes.length > this.#maxBytes && file.isFile() && this.#rotate())
      file = this.#open();
    try {
      const written = writeSync(this.#fd as number, bytes);
      this.#torn = written < bytes.length;
    } catch (error) {
      this.close();
      throw error;
    }
    if (this.#torn) throw new Error(`${this.#path}: there was room for a part of the lines`);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  /** The file that has the path now. */
  #open(): Stats {
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (this.#fd !== null && there !== undefined) {
      const own = fstatSync(this.#fd);
      if (own.ino === there.ino && own.dev === there.dev) return own;
    }
    this.close();
    mkdirSync(dirname(this.#path), { recursive: true });
    this.#fd = openSync(this.#path, "a", MODE);
    return fstatSync(this.#fd);
  }

  /** Whether the file was put aside; another process may be at it. */
  #rotate(): boolean {
    const lock = `${this.#path}.lock`;
    try {
      closeSync(openSync(lock, "wx"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const age =
        Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY);
      if (age > STALE_LOCK_MS) rmSync(lock, { force: true });
      return false;
    }
    try {
      const now = statSync(this.#path, { throwIfNoEntry: false });
      // Another was faster.
      if (now !== undefined && now.ino === fstatSync(this.#fd as number).ino)
        putAside(this.#path, this.#keep);
    } finally {
      rmSync(lock, { force: true });
    }
    return true;
  }
}
