/** How many containers a service should have. Pure. */
import type { ScalingOrder } from "../../contract/scaling-order.ts";
import type { ScalingRecord } from "../../contract/scaling-record.ts";

/**
 * What the spawner decided last, or an operator ordered; `null`: nobody is to be started or stopped. A decision under an
 * order that is no longer given says nothing of what the law wants.
 */
export function wantedWorkers(record: ScalingRecord | null, order: ScalingOrder): number | null {
  if (order.mode === "paused") return null;
  if (order.mode === "manual") return order.workers;
  if (record === null || record.reason === "manual" || record.reason === "paused") return null;
  return record.desired;
}
