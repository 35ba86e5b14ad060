import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { completionLines, type ValueSources } from "../../../contract/completion.ts";
import { EXIT } from "../../../contract/exit-codes.ts";
import type { Session } from "../session.ts";

/** How long Redis may take, in ms: a key press should not be felt. */
const PATIENCE_MS = 300;

/** Values that the queue's commands take. */
const SOURCES: ValueSources = {
  kind: kinds,
  worker: workersWithLogs,
  file: ":files",
  source: ":files",
  files: ":files",
  "files-from": ":files",
  "payload-file": ":files",
  command: ":files",
  folder: ":folders",
};

/** Prints what may stand next, for a shell's completion script. It never fails: there is nobody to tell. */
export async function answerCompletion(program: Command, words: readonly string[]): Promise<number> {
  const lines = await completionLines(program, words, SOURCES);
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
  return EXIT.ok;
}

async function kinds(): Promise<string[]> {
  const { withSession } = await import("../session.ts");
  const { readKinds } = await import("../../adapters/redis/queue-status.ts");
  const read = async ({ redis, stream }: Session) => [...(await readKinds(redis, stream)).keys()].sort();
  return Promise.race([withSession({}, read), delay(PATIENCE_MS, [])]);
}

async function workersWithLogs(): Promise<string[]> {
  const { loadSettings } = await import("../../config/load-settings.ts");
  const names = await readdir(loadSettings(process.env, "cli").logDirectory);
  return names.flatMap((name) => (name.endsWith(".log") ? [name.slice(0, -".log".length)] : [])).sort();
}
