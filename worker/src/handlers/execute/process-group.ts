/** Process groups of running programs, so that none outlives its task or the worker. */

const running = new Set<number>();

/** Sends a signal to the processes of the group that this user may signal; a group that is gone is no error. */
export function signalGroup(groupId: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-groupId, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

/** Tells the supervisor, if there is one, so that it can end the group should this process be killed. */
function report(message: { readonly program: number; readonly running: boolean }): void {
  if (process.connected) process.send?.(message);
}

/** Remembers a group until `forgetGroup`. */
export function rememberGroup(groupId: number): void {
  running.add(groupId);
  report({ program: groupId, running: true });
}

export function forgetGroup(groupId: number): void {
  running.delete(groupId);
  report({ program: groupId, running: false });
}

/** Ends all groups at once: for a worker that leaves without waiting. */
export function killAllGroups(): void {
  for (const groupId of running) signalGroup(groupId, "SIGKILL");
}
