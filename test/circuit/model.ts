import type { Permit, Verdict } from "../../worker/src/ports/circuits.ts";

/** A circuit as one plain object, on a clock of its own: what the scripts must agree with. */
export class CircuitModel {
  readonly #limit: number;
  readonly #openMs: number;
  readonly #keepMs: number;
  #nowMs = 0;
  #failures = 0;
  #lastFailure = 0;
  #open: { until: number; forgotten: number; probes: number; probeUntil: number } | null = null;
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
    open.forgotten = this.#nowMs + this.#keepMs;
    open.probes++;
    return { waitMs: 0, probe: String(open.probes) };
  }

  report({ probe }: Permit, verdict: Verdict): void {
    const open = this.#open;
    if (open === null) {
      if (verdict === "success") this.#failures = 0;
      if (verdict !== "failure") return;
      this.#failures++;
      this.#lastFailure = this.#nowMs;
      if (this.#failures >= this.#limit) this.#openNow(0);
      return;
    }
    if (probe === "" || probe !== String(open.probes)) return;
    if (verdict === "failure") this.#openNow(open.probes);
    else if (verdict === "none") open.probeUntil = 0;
    else this.#close();
  }

  #openNow(probes: number): void {
    const until = this.#nowMs + this.#openMs;
    this.#open = { until, forgotten: this.#nowMs + this.#keepMs, probes, probeUntil: 0 };
    this.#failures = 0;
    this.opened++;
  }

  #close(): void {
    this.#open = null;
    this.#failures = 0;
  }
}
