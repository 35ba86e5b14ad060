import type { Logger } from "../logging/logger.ts";
import type { Loop } from "../spawner/repeat.ts";
import { BACKUP_EVENTS } from "./events.ts";
import type { Manifest } from "./manifest.ts";

export interface BackupUpkeepOptions {
  /** How old the newest may become, in ms. */
  readonly everyMs: number;
  /** The time of the newest whole backup that was made by now, in ms since the epoch. */
  readonly newest: () => Promise<number | undefined>;
  readonly create: (signal: AbortSignal) => Promise<Manifest>;
  /** Removes old ones; returns their names. */
  readonly prune: () => Promise<readonly string[]>;
  readonly note: {
    success(manifest: Manifest): Promise<void>;
    failure(error: unknown): Promise<void>;
  };
  /** The time in ms since the epoch. */
  readonly now: () => number;
  readonly logger: Logger;
}

export interface BackupCounts {
  readonly success: number;
  readonly failure: number;
  /** Of the newest whole backup, in ms since the epoch; undefined: there is none. */
  readonly lastSuccess: number | undefined;
}

/** Between tries after failures, in ms: doubled each time. */
const FIRST_BACKOFF_MS = 30_000;
const LONGEST_BACKOFF_MS = 1_800_000;
/** Timers do not count the time that a machine sleeps: it looks at the clock again. */
const LOOK_MS = 60_000;

/** Makes a backup whenever the newest is too old, be it that the machine was off. Failures are logged and tried again. */
export class BackupUpkeep implements Loop {
  readonly name = "backup";
  readonly #options: BackupUpkeepOptions;
  #counts: { success: number; failure: number; lastSuccess: number | undefined } = {
    ...{ success: 0, failure: 0, lastSuccess: undefined },
  };
  /** Failures since the last success. */
  #streak = 0;
  /** Whether no more are kept than should be. */
  #pruned = true;

  constructor(options: BackupUpkeepOptions) {
    this.#options = options;
  }

  get counts(): BackupCounts {
    return this.#counts;
  }

  /** Returns how long to wait for the next look, in ms. */
  async step(signal: AbortSignal): Promise<number> {
    const { everyMs, newest, now } = this.#options;
    const last = await newest();
    this.#counts.lastSuccess = last;
    if (!this.#pruned) await this.#prune();
    const leftMs = last === undefined ? 0 : last + everyMs - now();
    if (leftMs > 0) return Math.min(leftMs, LOOK_MS);
    return this.#make(signal);
  }

  async #make(signal: AbortSignal): Promise<number> {
    const { create, note, now, logger } = this.#options;
    const began = now();
    try {
      const manifest = await create(signal);
      this.#counts.success += 1;
      this.#counts.lastSuccess = Date.parse(manifest.started_at);
      this.#streak = 0;
      const rows = manifest.record?.tables.reduce((sum, table) => sum + table.rows, 0) ?? null;
      const facts = { backup: manifest.name, keys: manifest.queue.keyspace.keys, rows };
      logger.info({ ...facts, seconds: (now() - began) / 1000 }, BACKUP_EVENTS.made);
      await this.#told(() => note.success(manifest));
      this.#pruned = false;
      return 0;
    } catch (exception) {
      if (signal.aborted) return 0;
      this.#counts.failure += 1;
      this.#streak += 1;
      const againMs = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#streak - 1), LONGEST_BACKOFF_MS);
      logger.error({ exception, again_in_seconds: againMs / 1000 }, BACKUP_EVENTS.failed);
      await this.#told(() => note.failure(exception));
      return againMs;
    }
  }

  /** A backup is whole whether or not old ones go; they are tried again with the next look. */
  async #prune(): Promise<void> {
    const { prune, logger } = this.#options;
    try {
      const removed = await prune();
      this.#pruned = true;
      if (removed.length > 0) logger.info({ backups: removed }, BACKUP_EVENTS.removed);
    } catch (exception) {
      logger.error({ exception }, BACKUP_EVENTS.pruneFailed);
    }
  }

  async #told(tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } catch (exception) {
      this.#options.logger.warn({ exception }, BACKUP_EVENTS.noteFailed);
    }
  }
}
