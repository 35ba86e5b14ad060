import { HostError } from "./errors.ts";
import { type ProcessIdentity, signalProcess, waitForEnd } from "./process-identity.ts";

export interface StopRule {
  readonly signal: NodeJS.Signals;
  /** After this long without an end, SIGKILL. */
  readonly timeoutSeconds: number;
}

/** How long a process may take to vanish after SIGKILL: more only when it hangs in the kernel. */
const KILL_TIMEOUT_MS = 10_000;

/**
 * Ends a process: the signal first, SIGKILL after the timeout. Does nothing when it is gone already.
 * A stopped one (SIGSTOP) is continued, or it could not act on the signal.
 */
export async function stopProcess(
  name: string,
  identity: ProcessIdentity,
  { signal, timeoutSeconds }: StopRule,
): Promise<void> {
  signalProcess(identity, signal);
  signalProcess(identity, "SIGCONT");
  if (await waitForEnd(identity, timeoutSeconds * 1000)) return;
  signalProcess(identity, "SIGKILL");
  if (await waitForEnd(identity, KILL_TIMEOUT_MS)) return;
  throw new HostError(`${name} (pid ${identity.pid}) survived SIGKILL: it hangs in the kernel; see its log`);
}
