import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "@taskfleet/worker/handler";

const STEPS = 20;

/** Takes its time, reports progress, and stops at once when it is asked to. */
export default defineHandler({
  kind: "sleep",
  version: "1.0.0",
  description: "Sleeps, with progress; stops when it is cancelled.",
  payload: Type.Object(
    { ms: Type.Integer({ minimum: 0, maximum: 86_400_000 }) },
    { additionalProperties: false },
  ),
  run: async ({ ms }, { signal, progress }) => {
    for (let step = 0; step < STEPS; step += 1) {
      await delay(ms / STEPS, undefined, { signal });
      progress((step + 1) / STEPS);
    }
    return { sleptMs: ms };
  },
});
