/** What a worker and the thread that runs a handler for it say to each other. Plain, cloneable data. */

import type { FailureReason } from "../../../contract/records.ts";
import type { AbortReason } from "../../handler.ts";
import type { Permit, Verdict } from "../../ports/circuits.ts";

/** Given to the thread at its start. */
export interface ThreadData {
  /** Names this data among the other threads that a process may have. */
  readonly taskfleet: "handler-thread";
  /** URL of the handler's module. */
  readonly source: string;
  readonly kind: string;
}

export type ToThread =
  | {
      readonly type: "run";
      readonly payload: unknown;
      readonly taskId: string;
      readonly attempt: number;
      readonly graceMs: number;
      /** The attempt's span, where there is one. */
      readonly traceparent: string | undefined;
      /** Those that the handler requires, as they count when the run starts. */
      readonly secrets: Readonly<Record<string, string>>;
    }
  | { readonly type: "abort"; readonly reason: AbortReason }
  /** Answers `enter` and `report` of the same number. */
  | { readonly type: "circuit"; readonly call: number; readonly permit?: Permit };

/** A thrown value, as far as another thread needs it. */
export interface ThrownRecord {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly reason?: FailureReason;
  readonly output?: unknown;
  readonly retryAfterMs?: number;
}

export type FromThread =
  | { readonly type: "progress"; readonly done: number; readonly note: string }
  | { readonly type: "log"; readonly event: string; readonly fields: Record<string, unknown> }
  | { readonly type: "enter"; readonly call: number; readonly circuit: string }
  | {
      readonly type: "report";
      readonly call: number;
      readonly circuit: string;
      readonly permit: Permit;
      readonly verdict: Verdict;
    }
  | { readonly type: "returned"; readonly output: unknown }
  | { readonly type: "threw"; readonly thrown: ThrownRecord };
