/**
 * The queue's `scaling-order` hash: what an operator said with `taskfleet scale`. While there is one, it stands above
 * the scaling law. Pure.
 */
import type { ScalingDecision } from "./scaling.ts";

/** `law`: nobody said anything, or `resume`. Times are ms of the server's clock. */
export type ScalingOrder =
  | { readonly mode: "law" }
  | { readonly mode: "manual"; readonly workers: number; readonly atMs: number }
  | { readonly mode: "paused"; readonly atMs: number };

/** Most workers that an order may ask for, as `TASKFLEET_SCALE_MAX` may allow. */
export const MOST_ORDERED_WORKERS = 10_000;

export const NO_ORDER: ScalingOrder = { mode: "law" };

/** Fields of the hash; none: the hash is to be deleted. */
export function encodeOrder(order: ScalingOrder): Record<string, string> {
  switch (order.mode) {
    case "law":
      return {};
    case "manual":
      return { mode: order.mode, workers: String(order.workers), at: String(order.atMs) };
    case "paused":
      return { mode: order.mode, at: String(order.atMs) };
  }
}

/** Reads the hash. What it does not know, from a newer version, counts as no order. */
export function parseOrder(hash: Readonly<Record<string, string>>): ScalingOrder {
  const atMs = Number(hash.at ?? 0);
  if (hash.mode === "paused") return { mode: "paused", atMs };
  const workers = Number(hash.workers);
  if (hash.mode === "manual" && Number.isInteger(workers) && workers >= 0)
    return { mode: "manual", workers, atMs };
  return NO_ORDER;
}

/** Whether both say the same; when they were given does not count. */
export function sameOrder(a: ScalingOrder, b: ScalingOrder): boolean {
  if (a.mode !== b.mode) return false;
  return a.mode !== "manual" || b.mode !== "manual" || a.workers === b.workers;
}

/**
 * The law's decision under an order: a manual number in its place, or, while scaling is paused, the workers that there
 * are. The idle time goes on meanwhile.
 */
export function obey(order: ScalingOrder, decision: ScalingDecision, liveWorkers: number): ScalingDecision {
  if (order.mode === "law") return decision;
  const [desired, reason] =
    order.mode === "manual" ? ([order.workers, "manual"] as const) : ([liveWorkers, "paused"] as const);
  return { desired, reason, state: { ...decision.state, desired } };
}
