import { closeSync, readFileSync } from "node:fs";
import type { SecretSetting } from "../../contract/settings.ts";
import type { Variables } from "./environment.ts";
import type { SettingProblem } from "./settings-error.ts";

export type SecretReading = { readonly value: string } | { readonly problem: SettingProblem };

const DESCRIPTOR = /^\/dev\/fd\/(\d+)$/;

/**
 * A file's text. An open descriptor is read as it is, and closed: its path would be opened again, which another
 * user than its owner may not do, and what was read once nobody can read after.
 */
function read(path: string): string {
  const [, number] = DESCRIPTOR.exec(path) ?? [];
  if (number === undefined) return readFileSync(path, "utf8");
  const descriptor = Number(number);
  const text = readFileSync(descriptor, "utf8");
  closeSync(descriptor);
  return text;
}

function fromFile(variable: string, path: string): SecretReading {
  const fault = (received: string): SecretReading => ({
    problem: {
      variable,
      received: `"${path}", ${received}`,
      allowed: "the path of a file that holds the secret and that this user may read",
      wayOut: "Correct the path, the file's rights or its contents.",
    },
  });
  try {
    const value = read(path).replace(/\r?\n$/, "");
    return value === "" ? fault("an empty file") : { value };
  } catch (error) {
    return fault(`which cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}

/**
 * A secret from `<NAME>` or from the file that `<NAME>_FILE` names, without its last newline. Sources are
 * asked in order, and one that has either variable decides: a file named in the environment wins over a value
 * in `.env`. `/dev/fd/<n>` is an inherited descriptor and can be read once.
 */
export function readSecret(setting: SecretSetting, sources: readonly Variables[]): SecretReading {
  const fileVariable = `${setting.env}_FILE`;
  for (const source of sources) {
    const value = source[setting.env] || undefined;
    const file = source[fileVariable] || undefined;
    if (value !== undefined && file !== undefined) {
      return {
        problem: {
          variable: setting.env,
          received: `set, and so is ${fileVariable}`,
          allowed: "one of the two",
          wayOut: `Unset ${setting.env} or ${fileVariable}.`,
        },
      };
    }
    if (value !== undefined) return { value };
    if (file !== undefined) return fromFile(fileVariable, file);
  }
  return { value: setting.default };
}
