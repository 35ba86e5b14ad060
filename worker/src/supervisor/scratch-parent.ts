import { chmodSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeFolder } from "../handlers/execute/scratch-folder.ts";

/** A worker's own temporary folder, so that nothing stays in the machine's when the worker is killed. */
export class ScratchParent {
  #path: string | null = null;

  /** Makes it. Returns its path; `null` where no folder can be made. */
  make(): string | null {
    try {
      this.#path = mkdtempSync(join(tmpdir(), "taskfleet-worker-"));
      // Sandboxed programs of a worker that is root run as users of their own: they pass, and list nothing.
      chmodSync(this.#path, 0o711);
    } catch {
      this.#path = null;
    }
    return this.#path;
  }

  async remove(): Promise<void> {
    const path = this.#path;
    if (path === null) return;
    await removeFolder(path).catch((error: unknown) => {
      process.stderr.write(`${path} cannot be removed: ${String(error)}\n`);
    });
  }
}
