/** Exit codes of the command lines, documented in `docs/cli.md`. */
export const EXIT = {
  ok: 0,
  /** A task, check or command failed. */
  failed: 1,
  /** Wrong words on the command line, or input that is refused. */
  usage: 2,
  /** Redis (or another server) cannot be reached. */
  unavailable: 3,
  /** A time limit ran out before the result was there. */
  timeout: 4,
  /** The queue refuses new tasks: memory is full. */
  full: 5,
  /** Someone else holds what is needed: a lock, a port. */
  conflict: 6,
  /** Ended by SIGINT. */
  interrupted: 130,
} as const;
