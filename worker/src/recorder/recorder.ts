import type { RunEvent } from "../../contract/run-events.ts";
import type { Run } from "../../contract/runs.ts";
import type { Logger } from "../logging/logger.ts";
import { type ActivityStore, StoreDataError, StoreUnavailableError } from "../ports/activity-store.ts";
import { BEFORE_ALL, type RunEventSource } from "../ports/run-event-source.ts";
import type { Loop } from "../spawner/repeat.ts";
import { RECORD_EVENTS } from "./events.ts";
import { foldEvents, idsOf } from "./fold-events.ts";

export interface RecorderOptions {
  readonly queue: string;
  readonly source: RunEventSource;
  readonly store: ActivityStore;
  /** Most bytes of events that wait. */
  readonly bufferBytes: number;
  /** Most rows of one transaction. */
  readonly batchRows: number;
  /** Pause when nothing waits, in ms. */
  readonly intervalMs: number;
  /** A clock in ms. */
  readonly now: () => number;
  readonly logger: Logger;
}

interface Entry {
  readonly id: string;
  readonly event: RunEvent | undefined;
}

/** Between tries while the database is away, in ms. */
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** How often the switch is set again, for a Redis that lost its data. */
const SWITCH_MS = 30_000;

/**
 * Moves what the queue's scripts told into the record, in order and each event once: the position is written with
 * the rows, and events are dropped from Redis only after the commit. One runs per queue; of two, one makes way.
 */
export class Recorder implements Loop {
  readonly name = "record";
  readonly #options: RecorderOptions;
  /** Id of the last event in the record; undefined: to be read. */
  #position: string | null | undefined;
  #trimmed = false;
  #switchedMs = -Infinity;
  #lost: number | undefined;
  #stall: { readonly sinceMs: number; backoffMs: number; rows: number } | undefined;
  #rows = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  /** One batch; returns the pause until the next, in ms. */
  async step(): Promise<number> {
    try {
      await this.#keepOn();
      return await this.#batch();
    } catch (error) {
      this.#position = undefined;
      if (!(error instanceof StoreUnavailableError)) throw error;
      return this.#stalled(error);
    }
  }

  async #keepOn(): Promise<void> {
    const { source, bufferBytes, now, logger } = this.#options;
    if (now() - this.#switchedMs < SWITCH_MS) return;
    await source.on(bufferBytes);
    this.#switchedMs = now();
    const { lost } = await source.state();
    if (lost > (this.#lost ?? 0)) logger.error({ rows: lost - (this.#lost ?? 0), lost }, RECORD_EVENTS.gap);
    this.#lost = lost;
  }

  async #batch(): Promise<number> {
    const { source, store, queue, batchRows, intervalMs } = this.#options;
    if (this.#position === undefined) {
      this.#position = await store.position(queue);
      // A restored Redis may be behind the record: what it tells from now on must not look as if it were known.
      if (this.#position !== null) await source.startAfter(this.#position);
      this.#trimmed = false;
    }
    const entries = await source.read(this.#position ?? BEFORE_ALL, batchRows);
    if (entries.length > 0 && !(await this.#write(entries))) {
      this.#position = undefined;
      return 0;
    }
    const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
    this.#rows += rows;
    if (this.#stall !== undefined) this.#stall.rows += rows;
    if (this.#position !== null && !(this.#trimmed && entries.length === 0)) {
      await source.trim(this.#position);
      this.#trimmed = true;
    }
    if (rows >= batchRows) return 0;
    this.#caughtUp();
    return intervalMs;
  }

  /** Writes entries, all or none. False: another recorder moved the position. */
  async #write(entries: readonly Entry[]): Promise<boolean> {
    const { store, queue } = this.#options;
    const events = entries.flatMap(({ event }) => (event === undefined ? [] : [event]));
    const from = this.#position ?? null;
    const to = entries.at(-1)?.id ?? BEFORE_ALL;
    const change = (runs: ReadonlyMap<string, Run>) => foldEvents(queue, events, runs);
    try {
      const done = await store.write(queue, { ids: idsOf(events), change, position: { from, to } });
      if (done === "moved") return false;
    } catch (error) {
      if (!(error instanceof StoreDataError)) throw error;
      return this.#writeParts(entries, error);
    }
    this.#position = to;
    return true;
  }

  /** One event that PostgreSQL refuses must not hold up the others: it is found by halves and left out. */
  async #writeParts(entries: readonly Entry[], error: StoreDataError): Promise<boolean> {
    const [first] = entries;
    if (entries.length === 1 && first !== undefined) {
      if (first.event === undefined) throw error;
      this.#options.logger.error({ event: first.id, exception: error }, RECORD_EVENTS.refused);
      return this.#write([{ id: first.id, event: undefined }]);
    }
    const middle = Math.ceil(entries.length / 2);
    return (await this.#write(entries.slice(0, middle))) && (await this.#write(entries.slice(middle)));
  }

  #stalled(exception: StoreUnavailableError): number {
    const { now, logger } = this.#options;
    if (this.#stall === undefined) {
      this.#stall = { sinceMs: now(), backoffMs: FIRST_BACKOFF_MS, rows: 0 };
      logger.warn({ exception }, RECORD_EVENTS.stalled);
      return FIRST_BACKOFF_MS;
    }
    this.#stall.backoffMs = Math.min(LONGEST_BACKOFF_MS, this.#stall.backoffMs * 2);
    return this.#stall.backoffMs;
  }

  #caughtUp(): void {
    if (this.#stall === undefined) return;
    const { now, logger } = this.#options;
    const seconds = (now() - this.#stall.sinceMs) / 1000;
    logger.info({ seconds, rows: this.#stall.rows }, RECORD_EVENTS.caughtUp);
    this.#stall = undefined;
  }
}
