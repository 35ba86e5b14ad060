import { EXIT } from "../../worker/contract/exit-codes.ts";
import { HostError } from "../hosts/errors.ts";
import { readLock, writeLock } from "../platform/image-lock.ts";
import type { FoundImage } from "../platform/registry.ts";
import { CommandError } from "./command-error.ts";
import { type ProgressOutput, StepProgress } from "./setup-progress.ts";

export interface LockOptions {
  /** `repository:tag` of each. */
  readonly references: readonly string[];
  readonly find: (reference: string) => Promise<FoundImage>;
  readonly file: string;
  readonly output: ProgressOutput;
  readonly now: () => number;
}

/**
 * Writes the digests that registries give for these tags now beside those that the lock file has of others. It is written
 * when all were found, and else left as it is.
 */
export async function lockImages({ references, find, file, output, now }: LockOptions): Promise<void> {
  const before = readLock(file);
  const found: Record<string, string> = {};
  const problems: string[] = [];
  for (const reference of references) {
    const progress = new StepProgress(reference, output, now);
    progress.begin();
    try {
      const { digest, platforms } = await find(reference);
      found[reference] = digest;
      progress.end(outcome(digest, before[reference], platforms));
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      progress.end("failed");
      problems.push(error.message);
    }
  }
  if (problems.length > 0)
    throw new CommandError(
      `${problems.join("\n")}\n${file} is left as it was: ${problems.length} of ${references.length} images were not found`,
      EXIT.unavailable,
    );
  writeLock(file, { ...before, ...found });
}

function outcome(digest: string, before: string | undefined, platforms: readonly string[]): string {
  const change = before === undefined ? "new" : before === digest ? "as it was" : "changed";
  const of = platforms.length === 0 ? "one platform" : platforms.join(" ");
  return `${digest}, ${change}, ${of}`;
}
