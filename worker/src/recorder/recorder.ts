import type { RunEvent } from "../../contract/run-events.ts";
import type { Run } from "../../contract/runs.ts";
import type { Logger } from "../logging/logger.ts";
import {
  type ActivityStore,
  MigrationsMissingError,
  StoreDataError,
  StoreRefusedError,
  StoreUnavailableError,
} from "../ports/activity-store.ts";
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
  readonly rows: number;
  readonly event: RunEvent | undefined;
}

/** What keeps the database from being used: it is away, or somebody has to mend something. */
interface Stall {
  readonly sinceMs: number;
  backoffMs: number;
  rows: number;
  problem: string | undefined;
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
  #switchedMs = -Infinity;
  #stall: Stall | undefined;
  #rows = 0;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Rows written so far. */
  get rows(): number {
    return this.#rows;
  }

  /** What somebody has to mend before the database will serve; undefined: nothing. */
  get problem(): string | undefined {
    return this.#stall?.problem;
  }

  /** One batch; returns the pause until the next, in ms. */
  async step(): Promise<number> {
    try {
      await this.#keepOn();
      return await this.#batch();
    } catch (error) {
      this.#position = undefined;
      if (!(error instanceof StoreUnavailableError || error instanceof MigrationsMissingError)) throw error;
      return this.#stalled(error);
    }
  }

  async #keepOn(): Promise<void> {
    const { source, bufferBytes, now } = this.#options;
    if (now() - this.#switchedMs < SWITCH_MS) return;
    await source.on(bufferBytes);
    this.#switchedMs = now();
    await this.#tellGap();
  }

  /** What was lost is told once, whoever records: the queue knows what was told. */
  async #tellGap(): Promise<void> {
    const { source, logger } = this.#options;
    const { lost, told } = await source.state();
    if (lost <= told) return;
    logger.error({ rows: lost - told, lost }, RECORD_EVENTS.gap);
    await source.tell(lost);
  }

  async #batch(): Promise<number> {
    const { source, store, queue, batchRows, intervalMs } = this.#options;
    if (this.#position === undefined) {
      this.#position = await store.position(queue);
      if (this.#position !== null) {
        await source.goOnAfter(this.#position);
        // What a recorder wrote that died before it dropped them.
        await source.trim(this.#position);
      }
    }
    const entries = await source.read(this.#position ?? BEFORE_ALL, batchRows);
    this.#tellUnknown(entries);
    if (entries.length > 0 && !(await this.#write(entries))) {
      this.#position = undefined;
      return 0;
    }
    const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
    this.#rows += rows;
    if (this.#stall !== undefined) this.#stall.rows += rows;
    if (this.#position !== null && entries.length > 0) await source.trim(this.#position, rows);
    if (rows >= batchRows) return 0;
    await this.#caughtUp();
    return intervalMs;
  }

  #tellUnknown(entries: readonly Entry[]): void {
    const unknown = entries.filter(({ event }) => event === undefined);
    const [first] = unknown;
    if (first === undefined) return;
    const rows = unknown.reduce((sum, entry) => sum + entry.rows, 0);
    this.#options.logger.error({ entry: first.id, entries: unknown.length, rows }, RECORD_EVENTS.unknown);
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
      return this.#write([{ ...first, event: undefined }]);
    }
    const middle = Math.ceil(entries.length / 2);
    return (await this.#write(entries.slice(0, middle))) && (await this.#write(entries.slice(middle)));
  }

  #stalled(exception: StoreUnavailableError | MigrationsMissingError): number {
    const { now, logger } = this.#options;
    const isFirst = this.#stall === undefined;
    const fresh = { sinceMs: now(), backoffMs: FIRST_BACKOFF_MS, rows: 0, problem: undefined };
    const stall: Stall = this.#stall ?? fresh;
    this.#stall = stall;
    const wayOut = wayOutOf(exception);
    if (wayOut === undefined) {
      stall.problem = undefined;
      if (isFirst) logger.warn({ exception }, RECORD_EVENTS.stalled);
    } else if (stall.problem !== exception.message) {
      stall.problem = exception.message;
      logger.error({ exception, wayOut }, RECORD_EVENTS.loginRefused);
    }
    if (!isFirst) stall.backoffMs = Math.min(LONGEST_BACKOFF_MS, stall.backoffMs * 2);
    return stall.backoffMs;
  }

  async #caughtUp(): Promise<void> {
    if (this.#stall === undefined) return;
    await this.#tellGap();
    const { now, logger } = this.#options;
    const seconds = (now() - this.#stall.sinceMs) / 1000;
    logger.info({ seconds, rows: this.#stall.rows }, RECORD_EVENTS.caughtUp);
    this.#stall = undefined;
  }
}

/** What somebody has to do; undefined: it may pass by itself. */
function wayOutOf(error: StoreUnavailableError | MigrationsMissingError): string | undefined {
  if (error instanceof MigrationsMissingError) return "taskfleet db migrate";
  return error instanceof StoreRefusedError ? error.wayOut : undefined;
}
