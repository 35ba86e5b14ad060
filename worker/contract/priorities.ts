/** Priorities of tasks. Each is a stream of its own: the queue's stream itself holds the normal ones. */
export const PRIORITIES = ["high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];

export const DEFAULT_PRIORITY: Priority = "normal";

/**
 * Of so many tasks in a row that a busy worker takes, how many are of each priority while all of them wait. None is
 * 0, so none starves; turns that a priority cannot use go to the others, the higher ones first.
 */
export const PRIORITY_WEIGHTS: Readonly<Record<Priority, number>> = { high: 6, normal: 3, low: 1 };

export function isPriority(value: unknown): value is Priority {
  return PRIORITIES.some((priority) => priority === value);
}

/** Name of the stream that holds a queue's tasks of this priority. */
export function priorityStream(stream: string, priority: Priority): string {
  return priority === DEFAULT_PRIORITY ? stream : `{${stream}}:${priority}`;
}

/** All streams of a queue, in the order of `PRIORITIES`. */
export function priorityStreams(stream: string): string[] {
  return PRIORITIES.map((priority) => priorityStream(stream, priority));
}
