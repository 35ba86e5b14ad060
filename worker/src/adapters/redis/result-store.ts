import type { ResultRecord } from "../../../contract/records.ts";
import type { Kept, NewResult, ResultStore } from "../../ports/result-store.ts";

/** As long as a payload may be; Redis takes four times as much in one string. */
const LONGEST_TEXT = 128 * 1024 ** 2;

function keep({ result }: NewResult): Kept {
  try {
    const text = JSON.stringify(result);
    if (text.length <= LONGEST_TEXT) return { text };
    return { failure: `it has ${text.length} characters as JSON, and at most ${LONGEST_TEXT} are kept` };
  } catch (error) {
    // Longer than any string may be.
    return { failure: (error as Error).message };
  }
}

/** Results in Redis: the step that settles stores them whole, and they expire there. */
export class RedisResultStore implements ResultStore {
  readonly backEnd = "redis";

  async save(results: readonly NewResult[]): Promise<readonly Kept[]> {
    return results.map(keep);
  }

  async discard(): Promise<void> {}

  async load(record: ResultRecord): Promise<ResultRecord> {
    return record;
  }

  async sweep(): Promise<number> {
    return 0;
  }
}
