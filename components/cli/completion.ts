import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { completionLines, type ValueSources } from "../../worker/contract/completion.ts";
import { PATHS, RESERVED_STACK_NAMES } from "../paths.ts";
import { PROJECT } from "./pulumi-stack.ts";
import { DEFAULT_STACK } from "./stack-name.ts";

/** Values that the platform's commands take. */
const SOURCES: ValueSources = {
  stack: stacks,
  suites: async () => (await import("../../test/suites.ts")).SUITES.map(({ name }) => name),
  name: async () => Object.keys((await import("./bench.ts")).BENCHMARKS),
};

/** Prints what may stand next, for a shell's completion script. */
export async function answerCompletion(program: Command, words: readonly string[]): Promise<void> {
  const lines = await completionLines(program, words, SOURCES);
  process.stdout.write(lines.map((line) => `${line}\n`).join(""));
}

/** Stacks of the file back end, and those that keep something here; other back ends would take too long to ask. */
async function stacks(): Promise<string[]> {
  const inBackend = await namesIn(join(PATHS.pulumiBackend, ".pulumi", "stacks", PROJECT));
  const here = (await namesIn(PATHS.state)).filter((name) => !RESERVED_STACK_NAMES.includes(name));
  const states = inBackend.flatMap((name) => /^(.+)\.json$/.exec(name)?.[1] ?? []);
  return [...new Set([DEFAULT_STACK, ...states, ...here])].sort();
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
