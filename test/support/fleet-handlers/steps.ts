import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "../../../worker/src/handler.ts";

/** Reports progress 0 and 0.5, and goes on from each when a file of that name exists. */
export default defineHandler({
  kind: "steps",
  version: "1.0.0",
  description: "Reports how far it is.",
  payload: Type.Object({ file: Type.String() }),
  run: async ({ file }, { progress, signal }) => {
    for (const done of [0, 0.5]) {
      progress(done, `at ${done}`);
      while (!existsSync(`${file}-${done}`)) {
        signal.throwIfAborted();
        await delay(10);
      }
    }
    return "done";
  },
});
