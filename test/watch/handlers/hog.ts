import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { defineHandler, Type } from "@taskfleet/worker/handler";

const CHUNK = 16 * 1024 * 1024;

/** Fills the container's memory at its first run, and never again. */
export default defineHandler({
  kind: "hog",
  version: "1.0.0",
  description: "Takes all memory, once.",
  payload: Type.Object({ file: Type.String() }),
  run: async ({ file }) => {
    if (existsSync(file)) return "spared";
    writeFileSync(file, "");
    const chunks: Buffer[] = [];
    for (;;) {
      chunks.push(Buffer.alloc(CHUNK, chunks.length + 1));
      await delay(1);
    }
  },
});
