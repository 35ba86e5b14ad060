import { priorityStream } from "../../../contract/priorities.ts";
import { compareEntryIds } from "../../core/entry-order.ts";
import type { EntryPlace } from "../../core/task.ts";

/** Items whose entries stand in one stream, in its order: what one script call may touch. */
export interface StreamPart<Item> {
  /** The queue's stream. */
  readonly queue: string;
  readonly priority: EntryPlace["priority"];
  /** The stream itself. */
  readonly stream: string;
  readonly items: readonly Item[];
}

/** Most tasks of one script call. */
const CHUNK = 500;

/** Sorts items by their streams. */
export function streamParts<Item>(
  items: readonly Item[],
  placeOf: (item: Item) => EntryPlace,
): StreamPart<Item>[] {
  const parts: StreamPart<Item>[] = [];
  const nameOf = (item: Item) => {
    const { stream, priority } = placeOf(item);
    return priorityStream(stream, priority);
  };
  for (const [stream, all] of Map.groupBy(items, nameOf)) {
    all.sort((a, b) => compareEntryIds(placeOf(a).entryId, placeOf(b).entryId));
    for (let from = 0; from < all.length; from += CHUNK) {
      const part = all.slice(from, from + CHUNK);
      const [first] = part;
      if (first === undefined) continue;
      const { stream: queue, priority } = placeOf(first);
      parts.push({ queue, priority, stream, items: part });
    }
  }
  return parts;
}
