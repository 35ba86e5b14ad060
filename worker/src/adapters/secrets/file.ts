import type { SecretSource } from "../../ports/secret-source.ts";
import { parseSecret } from "./parse-secret.ts";
import { readSecretFile } from "./read-file.ts";
import { watchFiles } from "./watch-file.ts";

/** One file: a JSON object of secrets, or the text of the secret called `name`. */
export function fileSource(path: string, name: string): SecretSource {
  return {
    name: `file:${path}`,
    changes: "watch",
    read: async () => parseSecret(await readSecretFile(path), name),
    watch: (changed) => watchFiles([path], changed),
  };
}
