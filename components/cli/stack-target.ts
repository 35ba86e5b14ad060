import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { TARGET_NAMES } from "../spec/defaults.ts";
import { CommandError } from "./command-error.ts";

/** The config of a stack as text, "" when it has none yet. */
export function stackConfig(stack: string): string {
  const file = join(PATHS.stackConfigs, `Pulumi.${stack}.yaml`);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** The target that a stack's config names, else its own name; whether there is such a target is not asked. */
export function targetOf(stack: string, config: string): string {
  return /^\s+taskfleet:target:\s*(\S+)/m.exec(config)?.[1] ?? stack;
}

/**
 * Refuses a stack that is to be made although nothing says its target: neither its name nor `taskfleet:target` in its
 * config. Else an empty stack would be left when its program refuses it.
 */
export function assertTarget(stack: string, config: string): void {
  if (TARGET_NAMES.some((name) => name === stack) || /^\s+taskfleet:target:/m.test(config)) return;
  throw new CommandError(
    `there is no stack ${stack} and no target of that name; targets: ${TARGET_NAMES.join(", ")}. For a stack of another ` +
      `name: pulumi stack init ${stack} && pulumi config set taskfleet:target ${TARGET_NAMES[0]} -s ${stack}, then this again`,
    EXIT.usage,
  );
}
