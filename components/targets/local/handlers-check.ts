import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { HostError } from "../../hosts/errors.ts";

/**
 * Loads the handlers folder as a worker of this bundle would, before anything that runs is touched.
 * @throws HostError with every problem of every file.
 */
export async function checkHandlers(node: string, bundle: string, folder: string): Promise<void> {
  const words = [`${bundle}/main.mjs`, "kinds", "--folder", folder, "--json"];
  try {
    await promisify(execFile)(node, words, { env: { PATH: process.env.PATH } });
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string };
    throw new HostError(`the handlers of ${folder} cannot run, so nothing was changed:\n${stderr.trim()}`);
  }
}
