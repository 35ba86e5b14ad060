import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseProcessStat } from "../../contract/process-stat.ts";
import type { ExitReason } from "../../contract/records.ts";
import { type RunFile, runFileName } from "../../contract/run-file.ts";

/** Start time of a process that runs or was not waited for yet; 0, which is no process's, when it is gone. */
export function startTime(pid: number): number {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, "latin1"))?.start ?? 0;
  } catch {
    return 0;
  }
}

/** The run file that a supervisor keeps of itself and its worker. */
export class OwnRunFile {
  readonly #folder: string;
  readonly #path: string;

  /** `folder`: "" when nobody keeps run files. */
  constructor(folder: string, workerId: string) {
    this.#folder = folder;
    this.#path = join(folder, runFileName(workerId));
  }

  /** Writes it in one step, over what the process that started the supervisor wrote. */
  write(file: RunFile): void {
    if (this.#folder === "") return;
    mkdirSync(this.#folder, { recursive: true });
    const draft = join(this.#folder, `.${file.worker_id}.${process.pid}`);
    writeFileSync(draft, JSON.stringify(file), { mode: 0o600 });
    renameSync(draft, this.#path);
  }

  /** Adds why the worker ended: should nobody get to record it now, the spawner does so by this. */
  note(file: RunFile, exit: ExitReason): void {
    try {
      this.write({ ...file, exit });
    } catch (error) {
      // The exit is recorded all the same, and a file without a note is understood.
      process.stderr.write(`${this.#path} cannot be written: ${String(error)}\n`);
    }
  }

  remove(): void {
    if (this.#folder !== "") rmSync(this.#path, { force: true });
  }
}
