import type { Member } from "./fleet.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Slows down the starting of workers that die, or hang, before they ever report, for example for a wrong
 * setting: after each such round the pause doubles, from 1 s to 60 s, until a started worker reports.
 */
export class StartBackoff {
  readonly #starting = new Set<string>();
  #failures = 0;
  #pausedUntilMs = -Infinity;

  started(workerIds: readonly string[]): void {
    for (const id of workerIds) this.#starting.add(id);
  }

  /** Takes note of who is there now. Returns how many workers failed at their start since the last call. */
  observe(members: readonly Member[], nowMs: number): number {
    const present = new Map(members.map((member) => [member.workerId, member]));
    let failed = 0;
    let reported = false;
    for (const id of this.#starting) {
      const member = present.get(id);
      if (member !== undefined && !member.ready && !member.silent) continue;
      this.#starting.delete(id);
      if (member === undefined || member.silent) failed += 1;
      else reported = true;
    }
    if (reported) this.#failures = 0;
    else if (failed > 0) this.failed(nowMs);
    return failed;
  }

  /** A round of starts that failed as a whole. */
  failed(nowMs: number): void {
    this.#pausedUntilMs = nowMs + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
  }

  /** When workers may be started again. */
  get pausedUntilMs(): number {
    return this.#pausedUntilMs;
  }
}
