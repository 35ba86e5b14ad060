/** *Main*: is the work done, how fast, and by how many. */
import type { BoardSpec } from "../board.ts";
import { outside } from "./main/outside.ts";
import { queue } from "./main/queue.ts";
import { tasks } from "./main/tasks.ts";
import { workers } from "./main/workers.ts";

export const mainBoard: BoardSpec = {
  uid: "taskfleet-main",
  title: "taskfleet: Main",
  description:
    "Queue, workers and scaling, throughput and failures, and what they stand on. Green bands: what is expected.",
  from: "now-3h",
  rows: [queue, workers, tasks, outside],
};
