import { defineHandler, Type } from "../../../worker/src/handler.ts";

/** Fails for good, fails until a number of attempts, or succeeds at once. */
export default defineHandler({
  kind: "coin",
  version: "1.0.0",
  description: "Fails as often as it is told.",
  payload: Type.Object({ failures: Type.Integer() }),
  run: async ({ failures }, { attempt }) => {
    if (attempt <= failures) throw new Error(`attempt ${attempt} fails`);
    return attempt;
  },
});
