import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "@taskfleet/worker/handler";

/**
 * Fails on purpose, to show retries: the first `failures` runs throw, the next one succeeds. With 2 the third
 * run succeeds; with as many as the task's runs in all or more it ends in the dead-letter queue.
 */
export default defineHandler({
  kind: "flaky",
  version: "1.0.0",
  description: "Fails the first runs, then succeeds.",
  payload: Type.Object(
    {
      failures: Type.Integer({ minimum: 0 }),
      sleepMs: Type.Optional(Type.Integer({ minimum: 0, description: "How long every run takes." })),
    },
    { additionalProperties: false },
  ),
  run: async ({ failures, sleepMs }, { attempt, signal }) => {
    if (sleepMs !== undefined) await delay(sleepMs, undefined, { signal });
    if (attempt <= failures) throw new Error(`run ${attempt} fails, as the payload asks`);
    return { attempt };
  },
});
