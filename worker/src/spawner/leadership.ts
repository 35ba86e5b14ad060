import type { FailureLog } from "./failure-log.ts";
import { repeat } from "./repeat.ts";

/** The lease that makes one spawner the leader; `LeaderLease` of the Redis adapter is one. */
export interface Lease {
  acquireOrRenew(): Promise<boolean>;
  release(): Promise<unknown>;
}

export interface LeadershipOptions {
  readonly lease: Lease;
  /** How long the lease lasts without renewal, in ms. */
  readonly ttlMs: number;
  readonly failures: FailureLog;
  /** A monotonic clock in ms. */
  readonly now: () => number;
  /** Leads until the signal. Called once a term, never twice at a time. */
  readonly lead: (term: AbortSignal) => Promise<void>;
  /** Called when this spawner begins or ceases to lead, and once at first when another leads. */
  readonly changed: (leads: boolean) => void;
}

/** Renewals in one lease: two may fail before it is lost. */
const RENEWALS = 3;

interface Term {
  readonly end: AbortController;
  readonly done: Promise<void>;
  deadline: NodeJS.Timeout;
}

/**
 * Competes for the lease and leads while it is held. A term also ends by this process's own clock, so that a
 * spawner that cannot reach Redis stops leading before another may begin.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #term: Term | null = null;
  #told: boolean | null = null;
  #lastTerm: Promise<void> = Promise.resolve();

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get leads(): boolean {
    return this.#term !== null;
  }

  /** Until the signal; then the term ends and the lease is given up. */
  async run(stop: AbortSignal): Promise<void> {
    const { lease, failures } = this.#options;
    await repeat({ name: "lease", step: () => this.#renew() }, stop, failures);
    const led = this.#term !== null;
    this.#endTerm();
    await this.#lastTerm;
    if (led) await lease.release().catch((error: unknown) => failures.failed("lease", error));
  }

  async #renew(): Promise<number> {
    const { lease, ttlMs, now } = this.#options;
    const askedMs = now();
    const held = await lease.acquireOrRenew();
    // The lease runs on the server from some time after the question, so counting from it is on the safe side.
    const leftMs = askedMs + ttlMs - now();
    if (held && leftMs > 0) this.#holdFor(leftMs);
    else this.#endTerm();
    this.#tell();
    return ttlMs / RENEWALS;
  }

  #holdFor(ms: number): void {
    const deadline = setTimeout(() => {
      this.#endTerm();
      this.#tell();
    }, ms);
    if (this.#term !== null) {
      clearTimeout(this.#term.deadline);
      this.#term.deadline = deadline;
      return;
    }
    const end = new AbortController();
    const before = this.#lastTerm;
    const done = before.then(() => (end.signal.aborted ? undefined : this.#options.lead(end.signal)));
    this.#term = { end, done, deadline };
    this.#lastTerm = done;
  }

  #endTerm(): void {
    if (this.#term === null) return;
    clearTimeout(this.#term.deadline);
    this.#term.end.abort();
    this.#term = null;
  }

  #tell(): void {
    if (this.#told === this.leads) return;
    this.#told = this.leads;
    this.#options.changed(this.leads);
  }
}
