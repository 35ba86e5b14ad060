import type { Redis } from "ioredis";
import { DEFAULT_PRIORITY } from "../../../contract/priorities.ts";
import { queueKeys } from "../../../contract/queue-keys.ts";
import type { ResultRecord } from "../../../contract/records.ts";
import type { EntryPlace } from "../../core/task.ts";
import type { ResultFile } from "../../ports/result-store.ts";
import { replies } from "./connection.ts";

/** What the queue's index holds of a task whose entry stands there. */
function indexed({ priority, entryId }: EntryPlace): string {
  return priority === DEFAULT_PRIORITY ? entryId : `${priority}:${entryId}`;
}

function fileOf(text: string | null): string | undefined {
  if (text === null) return undefined;
  try {
    return (JSON.parse(text) as ResultRecord).stored?.file;
  } catch {
    return undefined;
  }
}

/**
 * Which of these files are results, or of workers that hold their tasks yet. Seen at one moment: what is neither is
 * never needed again, for entries have an id of their own.
 */
export async function neededFiles(
  redis: Redis,
  queue: string,
  files: readonly ResultFile[],
): Promise<boolean[]> {
  const { index, results } = queueKeys(queue);
  const ids = files.map(({ id }) => id);
  const look = redis.multi().hmget(index, ...ids);
  look.mget(...ids.map((id) => results + id));
  const [places, texts] = (await replies(redis, look)) as (string | null)[][];
  return files.map(({ file, place }, at) => {
    return places?.[at] === indexed(place) || fileOf(texts?.[at] ?? null) === file;
  });
}
