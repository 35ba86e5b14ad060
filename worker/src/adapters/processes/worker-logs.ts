import { mkdir, open, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";

/** Logs of workers that are gone are kept up to this number. */
const KEPT_LOGS = 50;
const SUFFIX = ".log";

/** The folder with one log file per worker, `<worker id>.log`. */
export class WorkerLogs {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens a worker's log for appending. The caller closes it. */
  async open(workerId: string) {
    await mkdir(this.#folder, { recursive: true });
    return open(join(this.#folder, `${workerId}${SUFFIX}`), "a", 0o600);
  }

  /** Deletes the oldest logs of workers that are not among `live`, so that the newest 50 of them stay. */
  async prune(live: ReadonlySet<string>): Promise<void> {
    const gone = (await readdir(this.#folder))
      .filter((name) => name.endsWith(SUFFIX))
      .filter((name) => !live.has(name.slice(0, -SUFFIX.length)));
    if (gone.length <= KEPT_LOGS) return;
    const dated = await Promise.all(
      gone.map(async (name) => ({ name, mtimeMs: (await stat(join(this.#folder, name))).mtimeMs })),
    );
    dated.sort((a, b) => b.mtimeMs - a.mtimeMs);
    await Promise.all(dated.slice(KEPT_LOGS).map(({ name }) => unlink(join(this.#folder, name))));
  }
}
