import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { explain } from "../../hosts/errors.ts";

const MODULE = /\.(?:ts|mts|js|mjs|json)$/;

/**
 * Hash over the modules of a handlers folder, those in folders below it too (not `node_modules`); empty
 * when `folder` is empty.
 */
export async function handlersDigest(folder: string): Promise<string> {
  if (folder === "") return "";
  const hash = createHash("sha256");
  try {
    const names = await readdir(folder, { recursive: true });
    const modules = names.filter((name) => MODULE.test(name) && !name.includes("node_modules"));
    for (const name of modules.toSorted()) {
      const content = await readFile(join(folder, name));
      hash.update(`${name}\0${content.byteLength}\0`).update(content);
    }
  } catch (error) {
    throw explain(`read the spec's handlers folder ${folder}`, error);
  }
  return hash.digest("hex");
}
