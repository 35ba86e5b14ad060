import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "@taskfleet/worker/handler";

/** Runs until a file exists, so that a test decides when a task ends. */
export default defineHandler({
  kind: "gate",
  version: "1.0.0",
  description: "Waits for a file.",
  payload: Type.Object({ file: Type.String() }),
  run: async ({ file }, { signal }) => {
    while (!existsSync(file)) {
      signal.throwIfAborted();
      await delay(20);
    }
    return "through";
  },
});
