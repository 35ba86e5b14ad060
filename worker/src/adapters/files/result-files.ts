import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ResultRecord } from "../../../contract/records.ts";
import type { StoredOutput } from "../../../contract/results.ts";
import { ResultUnreadableError } from "../../core/errors.ts";
import { withoutOutput } from "../../core/without-output.ts";
import type { Kept, NewResult, ResultStore, SweepOptions } from "../../ports/result-store.ts";
import { codeOf, makeFolder, remove, syncFolder, writeWhole } from "./durable-write.ts";
import { isReference, queueFolder, resultFileName, slotFolder } from "./result-names.ts";
import { sweepResults } from "./sweep-results.ts";

export interface ResultFilesOptions {
  /** Absolute path of the folder of results. */
  readonly directory: string;
  /** The writer's name; unique per process start. */
  readonly workerId: string;
  /** Ms since the epoch. */
  readonly now: () => number;
}

/** Files written at once; each waits for the disk. */
const TOGETHER = 8;

interface Draft {
  readonly folder: string;
  readonly name: string;
  readonly result: ResultRecord;
}

/** The text that Redis holds of a result whose output lies in a file. */
function referenceText({ output, ...record }: ResultRecord, file: string): string {
  const stored: StoredOutput = { backend: "fs", file };
  return JSON.stringify({ ...record, stored });
}

/** Calls `work` on all items, a few at a time. */
async function inTurns<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const one = async () => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(TOGETHER, items.length) }, one));
}

/**
 * Results as files: whole, on the disk and under their name before the queue hears of them. What a task returned is
 * in the file alone; a result without output needs none.
 */
export class ResultFiles implements ResultStore {
  readonly backEnd = "fs";
  readonly #o: ResultFilesOptions;

  constructor(options: ResultFilesOptions) {
    this.#o = options;
  }

  /** @throws Error when the folder cannot be made or written to. */
  async check(): Promise<void> {
    const { directory } = this.#o;
    await makeFolder(directory);
    await access(directory, constants.W_OK | constants.X_OK);
  }

  async save(results: readonly NewResult[]): Promise<readonly Kept[]> {
    const slot = slotFolder(this.#o.now());
    const kept = new Map<NewResult, Kept>();
    const drafts = new Map<NewResult, Draft>();
    for (const item of results) {
      const { task, result } = item;
      if (result.output === undefined) kept.set(item, { text: JSON.stringify(result) });
      else {
        const name = resultFileName(result.id, task, this.#o.workerId);
        drafts.set(item, { folder: join(queueFolder(task.stream), slot), name, result });
      }
    }
    const byFolder = Map.groupBy(drafts, ([, { folder }]) => folder);
    for (const [folder, own] of byFolder) await this.#saveInto(folder, own, kept);
    return results.map((item) => kept.get(item) ?? { failure: "it was not written" });
  }

  async discard(texts: readonly string[]): Promise<void> {
    const files = texts.flatMap((text) => (JSON.parse(text) as ResultRecord).stored?.file ?? []);
    await inTurns(files, (file) => remove(join(this.#o.directory, file)));
  }

  load(record: ResultRecord): Promise<ResultRecord> {
    return loadResult(this.#o.directory, record);
  }

  sweep(options: SweepOptions): Promise<number> {
    return sweepResults(this.#o.directory, options);
  }

  /** All into one folder, which is synced once. */
  async #saveInto(
    folder: string,
    drafts: readonly (readonly [NewResult, Draft])[],
    kept: Map<NewResult, Kept>,
  ): Promise<void> {
    const path = join(this.#o.directory, folder);
    const failed = (item: NewResult, error: unknown) => {
      kept.set(item, { failure: error instanceof Error ? error.message : String(error) });
    };
    await inTurns(drafts, async ([item, { name, result }]) => {
      try {
        await this.#write(path, name, JSON.stringify(result));
        kept.set(item, { text: referenceText(result, `${folder}/${name}`) });
      } catch (error) {
        failed(item, error);
      }
    });
    try {
      await syncFolder(path);
    } catch (error) {
      for (const [item] of drafts) if ("text" in (kept.get(item) ?? {})) failed(item, error);
    }
  }

  /** The folder may not be there yet, or a sweep may just have removed it as an empty one. */
  async #write(path: string, name: string, text: string): Promise<void> {
    try {
      await writeWhole(path, name, text);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      await makeFolder(path);
      await writeWhole(path, name, text);
    }
  }
}

/**
 * A record with the output of its file in a folder of results; "" for none.
 * @throws ResultUnreadableError when the folder is not to be had here
 */
export async function loadResult(directory: string, record: ResultRecord): Promise<ResultRecord> {
  const { stored, ...head } = record;
  if (stored === undefined) return record;
  if (directory === "") throw new ResultUnreadableError(record.id, stored.file, null);
  const lost = (why: string) => withoutOutput(record, `what it returned was kept in ${stored.file}, ${why}`);
  if (!isReference(stored.file)) return lost("which is no name of a result's file");
  try {
    const whole = JSON.parse(await readFile(join(directory, stored.file), "utf8")) as ResultRecord;
    if (whole.id === record.id) return { ...head, output: whole.output };
    return lost(`which is the result of ${whole.id}`);
  } catch (error) {
    if (error instanceof SyntaxError) return lost("which is damaged");
    if (codeOf(error) !== "ENOENT") throw new ResultUnreadableError(record.id, directory, error as Error);
    await access(directory).catch((cause: Error) => {
      throw new ResultUnreadableError(record.id, directory, cause);
    });
    return lost("and is not there any more");
  }
}
