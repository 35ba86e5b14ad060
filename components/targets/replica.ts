import { SpecError } from "../spec/errors.ts";
import type { ResolvedFleet } from "../spec/resolve.ts";

/**
 * For a target that starts one Redis without a replica. @throws SpecError when pushes are to be replicated.
 * `wayOut`: how the target takes a Redis that has one.
 */
export function refuseReplicated({ delivery }: Pick<ResolvedFleet, "delivery">, wayOut: string): void {
  if (delivery.durability !== "replicated") return;
  throw new SpecError([
    {
      path: "delivery.durability",
      received: '"replicated"',
      allowed: '"local" here, for this stack\'s own Redis has no replica',
      wayOut,
    },
  ]);
}
