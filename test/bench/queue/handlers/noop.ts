import { defineHandler, Type } from "@taskfleet/worker/handler";

/** Does nothing, so that a benchmark measures the queue alone. */
export default defineHandler({
  kind: "noop",
  version: "1.0.0",
  description: "Does nothing.",
  payload: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  run: async () => "ok",
});
