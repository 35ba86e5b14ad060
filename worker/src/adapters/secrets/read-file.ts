import { readFile } from "node:fs/promises";

/** A secret file's text. Rejects, without a part of it, when it is empty or cannot be read. */
export async function readSecretFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
  // Also what a reader meets in the middle of a write.
  if (text.trim() === "") throw new Error(`${path} is empty`);
  return text;
}
