import { spawn } from "node:child_process";
import { closeSync, fstatSync } from "node:fs";
import { isAbsolute } from "node:path";
import { explain, HostError } from "./errors.ts";
import { lastLines, makeDirectory, removeFile } from "./host-files.ts";
import { areIntact, writeFiles } from "./process-files.ts";
import type { HostFile } from "./process-inputs.ts";
import type { ResourceType } from "./resource-type.ts";
import { hostEnvironment, openLog } from "./start-process.ts";

/** A command that is run to its end. */
export interface CommandInputs {
  /** Names it in messages. */
  readonly name: string;
  /** Absolute; its working directory, made if missing. */
  readonly directory: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside PATH, HOME and the like. */
  readonly environment: Readonly<Record<string, string>>;
  /** Written before it runs; the old ones are there again when it fails. Removed with the resource. */
  readonly files: readonly HostFile[];
  /** Absolute; output is appended. */
  readonly log: string;
  readonly timeoutSeconds: number;
  /** The command runs when this or a file is new or another one than the last time it succeeded, and else never. */
  readonly trigger: string;
}
export interface CommandState {
  /** Whether its files are as they were written. */
  readonly intact: boolean;
}

const LOG_LINES_SHOWN = 15;

type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

function ended({ command, args, directory, environment, timeoutSeconds }: CommandInputs, log: number) {
  const child = spawn(command, args, {
    cwd: directory,
    env: hostEnvironment(environment),
    stdio: ["ignore", log, log],
    timeout: timeoutSeconds * 1000,
    killSignal: "SIGKILL",
  });
  return new Promise<End>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
}

/** @throws HostError with the end of its log when it does not succeed. */
async function run(inputs: CommandInputs): Promise<void> {
  const { name, directory, command, log, timeoutSeconds } = inputs;
  await makeDirectory(directory);
  const file = await openLog(log);
  const start = fstatSync(file).size;
  const { code, signal } = await ended(inputs, file)
    .catch((error: unknown) => {
      throw explain(`run ${name} (${command})`, error);
    })
    .finally(() => closeSync(file));
  if (code === 0) return;
  const how =
    code === null
      ? `was ended by ${signal}, after ${timeoutSeconds} s at most`
      : `ended with exit code ${code}`;
  const tail = await lastLines(log, start, LOG_LINES_SHOWN);
  throw new HostError(
    `${name} ${how}; ${tail === "" ? `it said nothing in ${log}` : `the end of ${log}:\n${tail}`}`,
  );
}

/** Their texts hold no port. */
const NO_PORT = 0;

/** Stacks of before commands had files have none recorded. */
function filesOf({ files }: Partial<Pick<CommandInputs, "files">>): readonly HostFile[] {
  return files ?? [];
}

function sameFiles(one: readonly HostFile[], other: readonly HostFile[]): boolean {
  const text = (files: readonly HostFile[]) => files.map(({ path, content, mode }) => [path, content, mode]);
  return JSON.stringify(text(one)) === JSON.stringify(text(other));
}

/** Writes the new files and runs the command where it has to; when that fails the old files are there again. */
async function replace(olds: CommandInputs, news: CommandInputs): Promise<void> {
  const before = filesOf(olds);
  const without = async (all: readonly HostFile[], kept: readonly HostFile[]) => {
    const paths = new Set(kept.map(({ path }) => path));
    for (const { path } of all) if (!paths.has(path)) await removeFile(path);
  };
  try {
    await writeFiles(news.files, NO_PORT);
    if (olds.trigger !== news.trigger || !sameFiles(before, news.files)) await run(news);
  } catch (error) {
    await writeFiles(before, NO_PORT);
    await without(news.files, before);
    throw error;
  }
  await without(before, news.files);
}

/** `taskfleet:host:Command`: something to be done once, and again whenever its trigger or its files change. */
export const hostCommand: ResourceType<CommandInputs, CommandState> = {
  secretOutputs: [],
  noSecretsIn: ["name", "directory", "command", "args", "environment", "log", "trigger"],
  check: ({ directory, log }) =>
    [["directory", directory] as const, ["log", log] as const]
      .filter(([, path]) => !isAbsolute(path))
      .map(([property, path]) => ({ property, reason: `got ${path}; allowed: an absolute path` })),
  diff: (olds, news) => ({
    changes: olds.trigger !== news.trigger || !olds.intact || !sameFiles(filesOf(olds), news.files),
    replaces: [],
  }),
  create: async (inputs) => {
    await writeFiles(inputs.files, NO_PORT);
    await run(inputs);
    return { id: inputs.name, state: { intact: true } };
  },
  read: async (state) => ({ intact: await areIntact(filesOf(state), NO_PORT) }),
  update: async (olds, news) => {
    await replace(olds, news);
    return { intact: true };
  },
  delete: async (state) => {
    for (const { path } of filesOf(state)) await removeFile(path);
  },
};
