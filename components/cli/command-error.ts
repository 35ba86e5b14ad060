/** A failure that the user can act on: its message is shown as one line, without a stack. */
export class CommandError extends Error {
  /** One of `EXIT` in `worker/contract/exit-codes.ts`. */
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}
