import { TaskfleetError } from "../core/errors.ts";

/** A backup that cannot be made, is broken or cannot be restored here. The message has no secret. */
export class BackupError extends TaskfleetError {
  override readonly name: string = "BackupError";
}

/** What was found wrong with one backup, all at once. */
export class BackupFaultsError extends BackupError {
  /** A line each. */
  readonly faults: readonly string[];
  constructor(what: string, faults: readonly string[]) {
    super(`${what}: ${faults.join("; ")}`);
    this.faults = faults;
  }
}

/** Nothing is restored over what is there. */
export class NotEmptyError extends BackupError {
  override readonly name = "NotEmptyError";
}

/** A restore was cut off: what is there must not be taken for a whole queue. */
export class HalfRestoredError extends BackupError {
  override readonly name = "HalfRestoredError";
}
