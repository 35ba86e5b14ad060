import type { TaskOutcome } from "../../adapters/redis/results.ts";
import type { NewTask } from "../../core/task.ts";
import { batches, type MapFile } from "./batches.ts";
import { InOrder } from "./in-order.ts";

/** At most so much is pushed ahead of the first result that is missing. */
export const WINDOW = { files: 1024, bytes: 32 * 1024 * 1024 } as const;
const BATCH = { maxFiles: 128, maxBytes: 4 * 1024 * 1024 } as const;

export interface MappedFile {
  readonly file: MapFile;
  readonly id: string;
  readonly outcome: TaskOutcome;
}

export interface MapParts {
  /** Reads a file and makes its task, with an id. */
  readonly taskOf: (file: MapFile) => NewTask & { readonly id: string };
  readonly push: (tasks: readonly NewTask[]) => Promise<unknown>;
  readonly wait: (
    ids: readonly string[],
    options: { signal: AbortSignal; onOutcome: (id: string, outcome: TaskOutcome) => void },
  ) => Promise<unknown>;
  /** Gets results in the order of the files, as soon as there is none missing before them. */
  readonly emit: (results: readonly MappedFile[]) => void;
  /** Resolves when what was emitted has been taken; no further file is pushed before. */
  readonly taken: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Pushes a task per file and hands the results on in order. Only a window of files is ever in memory and in
 * the queue. Resolves with the ids of pushed tasks whose outcome is not known, which is none unless `signal`
 * aborts.
 */
export async function runMap(files: readonly MapFile[], parts: MapParts): Promise<string[]> {
  const open = new Set<string>();
  const order = new InOrder<MappedFile>(parts.emit);
  const failing = new AbortController();
  const signal = AbortSignal.any([parts.signal, failing.signal]);
  const waits: Promise<void>[] = [];
  try {
    for (const batch of batches(files, BATCH)) {
      await order.reached(oldestAllowed(files, batch), signal);
      await parts.taken();
      if (signal.aborted) break;
      const tasks = batch.map((file) => ({ file, task: parts.taskOf(file) }));
      for (const { task } of tasks) open.add(task.id);
      await parts.push(tasks.map(({ task }) => task));
      const fileOf = new Map(tasks.map(({ file, task }) => [task.id, file]));
      const onOutcome = (id: string, outcome: TaskOutcome) => {
        const file = fileOf.get(id);
        if (file === undefined || !open.delete(id)) return;
        order.put(file.index, { file, id, outcome });
      };
      waits.push(
        parts.wait([...fileOf.keys()], { signal, onOutcome }).then(
          () => {},
          (error: unknown) => {
            if (!signal.aborted) failing.abort(error);
          },
        ),
      );
    }
    await Promise.all(waits);
  } catch (error) {
    failing.abort(error);
    await Promise.all(waits);
    throw new MapStopped([...open], error);
  }
  if (failing.signal.aborted) throw new MapStopped([...open], failing.signal.reason);
  return [...open];
}

/** The map ended before its results were there; `open` are the tasks that may still be in the queue. */
export class MapStopped extends Error {
  override readonly name = "MapStopped";
  readonly open: readonly string[];
  constructor(open: readonly string[], cause: unknown) {
    super("the map was stopped", { cause });
    this.open = open;
  }
}

/** The place that must have been reached before `batch` fits into the window behind it. */
function oldestAllowed(files: readonly MapFile[], batch: readonly MapFile[]): number {
  const first = batch[0]?.index ?? 0;
  const last = first + batch.length;
  let bytes = batch.reduce((sum, file) => sum + file.size, 0);
  let oldest = first;
  while (oldest > 0 && last - oldest < WINDOW.files) {
    bytes += files[oldest - 1]?.size ?? 0;
    if (bytes > WINDOW.bytes) break;
    oldest -= 1;
  }
  return oldest;
}
