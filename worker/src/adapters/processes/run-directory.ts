import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, readFile, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isRunFileName, parseRunFile, type RunFile, runFileName } from "../../../contract/run-file.ts";

/** The run files of one fleet on this machine. */
export class RunDirectory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every readable run file, in the order of their names; a folder that does not exist holds none. */
  async read(): Promise<RunFile[]> {
    const names = await orMissing(readdir(this.#folder), []);
    const files = await Promise.all(
      names.filter(isRunFileName).map(async (name) => {
        const text = await orMissing(readFile(join(this.#folder, name), "utf8"), null);
        return text === null ? null : parseRunFile(text);
      }),
    );
    return files.filter((file) => file !== null).sort((a, b) => (a.worker_id < b.worker_id ? -1 : 1));
  }

  /** Writes the file of a worker that has none; an existing one, being the supervisor's own, stays as it is. */
  async announce(file: RunFile): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const draft = join(this.#folder, `.${file.worker_id}.${randomUUID()}`);
    await writeFile(draft, JSON.stringify(file), { mode: 0o600 });
    try {
      // A link appears with all of its content or not at all, and never over a name that is taken.
      await link(draft, join(this.#folder, runFileName(file.worker_id)));
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    } finally {
      await orMissing(unlink(draft), undefined);
    }
  }

  async remove(workerId: string): Promise<void> {
    await orMissing(unlink(join(this.#folder, runFileName(workerId))), undefined);
  }
}

async function orMissing<T, U>(found: Promise<T>, missing: U): Promise<T | U> {
  try {
    return await found;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return missing;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
