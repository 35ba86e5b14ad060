/**
 * The queue's `scaling` hash: the law's state and last decision, so that a new leader goes on where the last
 * one was, and people see what was decided and why.
 */
import type { ScalingDecision, ScalingReason, ScalingState } from "./scaling.ts";
import { SCALING_REASONS } from "./scaling.ts";

export interface ScalingRecord {
  readonly desired: number;
  readonly reason: ScalingReason;
  /** Milliseconds since the epoch; `null` while there is work. */
  readonly idleSinceMs: number | null;
  readonly decidedAtMs: number;
  readonly pending: number;
  readonly busyWorkers: number;
  readonly liveWorkers: number;
  /** Where the deciding spawner's /metrics and /health answer. */
  readonly address: string;
}

/** Fields of the hash. */
export function encodeScaling(record: ScalingRecord): Record<string, string> {
  return {
    desired: String(record.desired),
    reason: record.reason,
    "idle-since": record.idleSinceMs === null ? "" : String(record.idleSinceMs),
    "decided-at": String(record.decidedAtMs),
    pending: String(record.pending),
    busy: String(record.busyWorkers),
    live: String(record.liveWorkers),
    address: record.address,
  };
}

/** Reads the hash; `null` when nothing was decided yet. */
export function parseScaling(hash: Readonly<Record<string, string>>): ScalingRecord | null {
  const reason = SCALING_REASONS.find((known) => known === hash.reason);
  const { desired, "idle-since": idle, "decided-at": decided, pending, busy, live, address } = hash;
  if (reason === undefined || desired === undefined) return null;
  return {
    desired: Number(desired),
    reason,
    idleSinceMs: idle === undefined || idle === "" ? null : Number(idle),
    decidedAtMs: Number(decided),
    pending: Number(pending),
    busyWorkers: Number(busy),
    liveWorkers: Number(live),
    address: address ?? "",
  };
}

/** What the law goes on with. */
export function stateOf(record: Pick<ScalingRecord, "idleSinceMs" | "desired">): ScalingState {
  return { idleSinceMs: record.idleSinceMs, desired: record.desired };
}

/** The record of a decision. */
export function recordOf(
  decision: ScalingDecision,
  seen: Pick<ScalingRecord, "decidedAtMs" | "pending" | "busyWorkers" | "liveWorkers" | "address">,
): ScalingRecord {
  return { ...decision.state, desired: decision.desired, reason: decision.reason, ...seen };
}
