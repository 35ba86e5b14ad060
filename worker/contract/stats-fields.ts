/**
 * Field names of the queue's `stats` hash, as the scripts write them. Parts are joined by `:`; kinds, handlers,
 * statuses and reasons hold none. Counters only grow, but `live:<kind>`, which is a gauge.
 */
import { RUNTIME_BUCKETS } from "./metrics.ts";
import type { AttemptStatus, ExitReason, FailureReason } from "./records.ts";

/** Plain names that the worker gives to a script; the scripts write all others by themselves. */
export const STATS = { released: "released", newerVersion: "newer-version" } as const;

/** What a counter of the `stats` hash counts. */
export type StatsField =
  /** Tasks accepted. */
  | { readonly name: "enqueued"; readonly kind: string }
  /** Times that a task was parked by the limits of its kind. */
  | { readonly name: "parked"; readonly kind: string }
  /** Tasks that wait, are parked or delayed, or run (gauge). */
  | { readonly name: "live"; readonly kind: string }
  /** Attempts that ended so. */
  | { readonly name: "task"; readonly kind: string; readonly handler: string; readonly status: AttemptStatus }
  /** Attempts whose run time fell into this bucket (not cumulative); index `RUNTIME_BUCKETS.length`: longer. */
  | {
      readonly name: "runtime";
      readonly kind: string;
      readonly handler: string;
      readonly status: AttemptStatus;
      readonly bucket: number;
    }
  /** Sum of run times, in ms, with a fraction. */
  | {
      readonly name: "runtime-ms";
      readonly kind: string;
      readonly handler: string;
      readonly status: AttemptStatus;
    }
  /** Failed attempts by reason. */
  | { readonly name: "fail"; readonly handler: string; readonly reason: FailureReason }
  /** Results that this back end could not keep. */
  | { readonly name: "unsaved"; readonly backend: string }
  /** Worker processes that ended so. */
  | { readonly name: "exit"; readonly reason: ExitReason }
  /**
   * `late`: ends refused because the entry was another's by then; `reclaimed`: tasks taken back from silent
   * workers; `released`: handed back unrun; `poisoned`: dead-lettered by the cap on deliveries;
   * `newer-version`: handed back because this worker is too old for the entry; `requeued`: dead letters that
   * went back to the stream; `circuit-opened`: circuits that opened; `max-workers`: most workers at once that had reported and not ended.
   */
  | {
      readonly name:
        | "late"
        | "reclaimed"
        | "released"
        | "poisoned"
        | "newer-version"
        | "requeued"
        | "circuit-opened"
        | "max-workers";
    };

/** `<kind>:<handler>:<status>`, the labels that `task`, `runtime` and `runtime-ms` share. */
export function attemptLabels(kind: string, handler: string, status: AttemptStatus): string {
  return `${kind}:${handler}:${status}`;
}

/** Reads a field's name; `undefined` for one that this version does not know. */
export function parseStatsField(text: string): StatsField | undefined {
  const [name, first, second, third, fourth] = text.split(":");
  switch (name) {
    case "enqueued":
    case "parked":
    case "live":
      return first === undefined ? undefined : { name, kind: first };
    case "task":
    case "runtime-ms":
      if (first === undefined || second === undefined || third === undefined) return undefined;
      return { name, kind: first, handler: second, status: third as AttemptStatus };
    case "runtime":
      if (first === undefined || second === undefined || third === undefined) return undefined;
      if (fourth === undefined) return undefined;
      return {
        name,
        kind: first,
        handler: second,
        status: third as AttemptStatus,
        bucket: Number(fourth),
      };
    case "fail":
      if (first === undefined || second === undefined) return undefined;
      return { name, handler: first, reason: second as FailureReason };
    case "unsaved":
      return first === undefined ? undefined : { name, backend: first };
    case "exit":
      return first === undefined ? undefined : { name, reason: first as ExitReason };
    case "late":
    case "reclaimed":
    case "released":
    case "poisoned":
    case "newer-version":
    case "requeued":
    case "circuit-opened":
    case "max-workers":
      return { name };
    default:
      return undefined;
  }
}

/** Index of the histogram bucket that a run time falls into; bounds are inclusive. */
export function runtimeBucket(runtimeMs: number): number {
  const seconds = runtimeMs / 1000;
  const index = RUNTIME_BUCKETS.findIndex((bound) => seconds <= bound);
  return index === -1 ? RUNTIME_BUCKETS.length : index;
}
