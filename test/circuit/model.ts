import type { Permit, Verdict } from "../../worker/src/ports/circuits.ts";

/** A circuit as one plain object, on a clock of its own: what the scripts must agree with. */
export class CircuitModel {
  readonly #limit: number;
  readonly #openMs: number;
  readonly #keepMs: number;
  #nowMs = 0;
  #failures = 0;
  #lastFailure = 0;
  /** Probes are numbered for ever: an old one must not pass for that of a later time. */
  #probes = 0;
  #open: { until: number; forgotten: number; probe: number; probeUntil: number } | null = null;
  opened = 0;

  constructor(limit: number, openMs: number, keepMs: number) {
    this.#limit = limit;
    this.#openMs = openMs;
    this.#keepMs = keepMs;
  }

  get closed(): boolean {
    return this.#open === null;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    if (this.#open !== null && this.#nowMs >= this.#open.forgotten) this.#close();
    if (this.#nowMs >= this.#lastFailure + this.#openMs) this.#failures = 0;
  }

  enter(): Permit {
    const open = this.#open;
    if (open === null) return { waitMs: 0, probe: "" };
    const waitMs = Math.max(open.until, open.probeUntil) - this.#nowMs;
    if (waitMs > 0) return { waitMs, probe: "" };
    open.probeUntil = this.#nowMs + this.#openMs;
    open.probe = ++this.#probes;
    return { waitMs: 0, probe: String(open.probe) };
  }

  report({ probe }: Permit, verdict: Verdict): void {
    const open = this.#open;
    if (open === null) {
      if (verdict === "success") this.#failures = 0;
      if (verdict !== "failure") return;
      this.#failures++;
      this.#lastFailure = this.#nowMs;
      if (this.#failures >= this.#limit) this.#openNow();
      return;
    }
    if (probe === "" || probe !== String(open.probe)) return;
    if (verdict === "failure") this.#openNow();
    else if (verdict === "none") open.probeUntil = open.probe = 0;
    else this.#close();
  }

  #openNow(): void {
    const until = this.#nowMs + this.#openMs;
    this.#open = { until, forgotten: this.#nowMs + this.#keepMs, probe: 0, probeUntil: 0 };
    this.#failures = 0;
    this.opened++;
  }

  #close(): void {
    this.#open = null;
    this.#failures = 0;
  }
}
