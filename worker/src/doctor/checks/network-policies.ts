import { type Check, ofRedis, skipped } from "../check.ts";

/** Policies are made by targets with a network of their own. */
export const networkPolicies: Check = {
  id: "network-policies",
  title: "Network policies configured",
  source: "production checklist",
  run: (facts) =>
    ofRedis(facts, ({ loopback }) =>
      loopback
        ? skipped("Redis is on this machine's loopback: there is no network to guard")
        : skipped("network policies belong to targets with a network of their own; taskfleet has none yet"),
    ),
};
