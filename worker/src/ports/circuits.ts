/** Whether a call may go ahead. */
export interface Permit {
  /** How long the service must not be called, in ms; 0: it may be. */
  readonly waitMs: number;
  /** Names the one call that tries an open circuit; "" for all others. */
  readonly probe: string;
}

/** What a call's end says of the service; `none`: nothing. */
export type Verdict = "success" | "failure" | "none";

/** The state of circuits by name. Neither method rejects. */
export interface Circuits {
  enter(name: string): Promise<Permit>;
  report(name: string, permit: Permit, verdict: Verdict): Promise<void>;
}
