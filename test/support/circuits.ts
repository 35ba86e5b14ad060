import type { Circuits } from "../../worker/src/ports/circuits.ts";

/** Circuits that never open. */
export const closedCircuits: Circuits = {
  enter: async () => ({ waitMs: 0, probe: "" }),
  report: async () => {},
};
