/** The demo's first input: every file of the project's tree, hashed and counted on the fleet and directly. */
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { PATHS } from "../../paths.ts";
import { queueCommand } from "./queue-command.ts";
import { runProgram } from "./run-program.ts";

/** Reads its input once, then hashes and counts it with the system's own tools. */
export const COMMAND = ["sh", "-c", "cat >input && sha256sum <input && wc <input"] as const;

const MAX_FILE_BYTES = 1024 * 1024;

export interface MappedTree {
  readonly files: readonly string[];
  readonly ids: readonly string[];
  /** What the fleet's runs printed, in the order of the files. */
  readonly printed: Buffer;
}

interface MapLine {
  readonly id: string;
  readonly stdout?: string;
  readonly stdoutEncoding?: BufferEncoding;
}

/** The files of the tree that git knows and `map` takes: ordinary ones of at most 1 MiB. */
export function treeFiles(): string[] {
  const listed = execFileSync("git", ["ls-files", "-z"], { cwd: PATHS.root, encoding: "utf8" });
  return listed.split("\0").filter((name) => {
    const stats = name === "" ? undefined : statSync(join(PATHS.root, name), { throwIfNoEntry: false });
    return stats?.isFile() === true && stats.size <= MAX_FILE_BYTES;
  });
}

export async function mapTree(stack: string, files: readonly string[]): Promise<MappedTree> {
  const words = ["map", "--json", "--files-from", "-", "-0", "--", ...COMMAND];
  const answer = await queueCommand(stack, words, { input: files.join("\0"), accept: [0, 1] });
  const lines = answer
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as MapLine);
  const printed = lines.map(({ stdout = "", stdoutEncoding }) => Buffer.from(stdout, stdoutEncoding));
  return { files, ids: lines.map(({ id }) => id), printed: Buffer.concat(printed) };
}

/** The same command on the same files, one after the other, without the fleet; the demo watches on meanwhile. */
export async function runDirectly(files: readonly string[], scratch: string): Promise<Buffer> {
  const [program, ...words] = COMMAND;
  const printed: Buffer[] = [];
  for (const name of files) {
    const input = readFileSync(join(PATHS.root, name));
    printed.push((await runProgram(program, words, { cwd: scratch, input })).stdout);
  }
  return Buffer.concat(printed);
}
