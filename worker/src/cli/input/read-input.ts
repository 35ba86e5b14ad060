import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { EXIT } from "../../../contract/exit-codes.ts";
import { CliError } from "../report-error.ts";

/** Bytes of a file, or of standard input for `-`. */
export async function readInput(name: string): Promise<Buffer> {
  if (name === "-") return buffer(process.stdin);
  try {
    return readFileSync(name);
  } catch (error) {
    throw new CliError(`${JSON.stringify(name)}: ${fileProblem(error)}`, EXIT.usage);
  }
}

/** What is wrong with a file, in words: `no such file`, `no permission to read it`, `it is a folder`. */
export function fileProblem(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT") return "no such file";
  if (code === "EACCES") return "no permission to read it";
  if (code === "EISDIR") return "it is a folder";
  return error instanceof Error ? error.message : String(error);
}
