import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/**
 * Calls `changed` when something happens in a file's folder: a file may be replaced, and Kubernetes swaps a link
 * beside it. Where the machine has no watch left, nothing is told; whoever watches reads again now and then.
 */
export function watchFiles(paths: readonly string[], changed: () => void): () => void {
  const folders = new Set(paths.map((path) => dirname(path)));
  const watchers = [...folders].flatMap((folder) => start(folder, changed));
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}

function start(folder: string, changed: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, () => changed());
    watcher.on("error", () => watcher.close());
    return [watcher];
  } catch {
    return [];
  }
}
