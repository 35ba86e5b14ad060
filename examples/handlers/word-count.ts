import { defineHandler, Type } from "@taskfleet/worker/handler";

/** Counts lines, words and characters of a text. */
export default defineHandler({
  kind: "word-count",
  version: "1.0.0",
  description: "Counts lines, words and characters of a text.",
  payload: Type.Object({ text: Type.String() }, { additionalProperties: false }),
  run: async ({ text }) => ({
    lines: text === "" ? 0 : text.split("\n").length,
    words: text.split(/\s+/u).filter((word) => word !== "").length,
    characters: Array.from(text).length,
  }),
});
