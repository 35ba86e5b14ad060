import { isAbsolute } from "node:path";
import { removeFile } from "./host-files.ts";
import { isIntact, writeFile } from "./process-files.ts";
import { type HostFile, MODES } from "./process-inputs.ts";
import type { ResourceType } from "./resource-type.ts";

export interface FileState {
  /** Whether it is as it was written. */
  readonly intact: boolean;
}

async function write(file: HostFile): Promise<FileState> {
  await writeFile(file);
  return { intact: true };
}

/** `taskfleet:host:File`: a file that running processes watch; its change restarts none of them. */
export const localFile: ResourceType<HostFile, FileState> = {
  secretOutputs: [],
  noSecretsIn: ["path", "mode"],
  check: ({ path, mode }) => [
    ...(isAbsolute(path)
      ? []
      : [{ property: "path", reason: `got ${JSON.stringify(path)}; allowed: an absolute path` }]),
    ...(MODES.includes(mode)
      ? []
      : [{ property: "mode", reason: `got ${JSON.stringify(mode)}; allowed: ${MODES.join(", ")}` }]),
  ],
  diff: (olds, news) => ({
    changes:
      !olds.intact || olds.content !== news.content || olds.mode !== news.mode || olds.path !== news.path,
    replaces: olds.path === news.path ? [] : ["path"],
  }),
  create: async (file) => ({ id: file.path, state: await write(file) }),
  read: async (file) => ({ intact: await isIntact(file) }),
  update: (_olds, news) => write(news),
  delete: ({ path }) => removeFile(path),
};
