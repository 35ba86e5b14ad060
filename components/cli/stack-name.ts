import { EXIT } from "../../worker/contract/exit-codes.ts";
import { RESERVED_STACK_NAMES } from "../paths.ts";
import { CommandError } from "./command-error.ts";

export const DEFAULT_STACK = "local";

/** The stack that commands mean when none is named. */
export function defaultStack(environment: NodeJS.ProcessEnv): string {
  return environment.TASKFLEET_STACK || DEFAULT_STACK;
}

/**
 * Refuses what is no stack name to Pulumi (some would also lead out of `.taskfleet`), and names of what all
 * stacks share there.
 */
export function checkStackName(stack: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(stack))
    throw new CommandError(
      `stack ${JSON.stringify(stack)}: a name has letters, digits, "-", "_" and ".", at most 100`,
      EXIT.usage,
    );
  if (RESERVED_STACK_NAMES.includes(stack))
    throw new CommandError(
      `stack ${JSON.stringify(stack)}: choose another name, not one of ${RESERVED_STACK_NAMES.join(", ")}`,
      EXIT.usage,
    );
}
