import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "@taskfleet/worker/handler";

const DEFAULT_STEPS = 20;

/** Takes its time, reports progress, and stops at once when it is asked to. */
export default defineHandler({
  kind: "sleep",
  version: "1.0.0",
  description: "Sleeps, with progress; stops when it is cancelled.",
  payload: Type.Object(
    {
      ms: Type.Integer({ minimum: 0, maximum: 86_400_000 }),
      steps: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1_000,
          description: "How often it reports progress; default 20.",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  run: async ({ ms, steps = DEFAULT_STEPS }, { signal, progress }) => {
    for (let step = 0; step < steps; step += 1) {
      await delay(ms / steps, undefined, { signal });
      progress((step + 1) / steps);
    }
    return { sleptMs: ms };
  },
});
