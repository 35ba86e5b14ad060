import type { RecordStream } from "../adapters/redis/record-stream.ts";
import type { Loop } from "../spawner/repeat.ts";

const AGAIN_MS = 60_000;

/** Where no database is named: nothing is told that nobody reads, also in a queue that had a record before. */
export function noRecordLoop(source: Pick<RecordStream, "off">): Loop {
  return {
    name: "record",
    step: async () => {
      await source.off();
      return AGAIN_MS;
    },
  };
}
