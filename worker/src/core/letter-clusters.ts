import type { DeadLetter } from "../../contract/records.ts";
import { failureOf, letterFingerprint } from "./error-fingerprint.ts";

/** Dead letters that died of one cause. */
export interface LetterCluster {
  readonly fingerprint: string;
  readonly count: number;
  readonly kind: string;
  readonly reason: string;
  /** Burial of the first and the last of them, ms since the epoch. */
  readonly first_at: number;
  readonly last_at: number;
  /** The last of them: its error, at most 400 characters, and its id. */
  readonly message: string;
  readonly id: string;
}

const MOST_SHOWN = 400;

/** Collects letters into clusters. Memory grows with the causes, not with the letters. */
export class LetterClusters {
  readonly #clusters = new Map<string, LetterCluster>();

  /** Letters in the order of their burial. */
  add(letters: Iterable<DeadLetter>): void {
    for (const letter of letters) {
      const fingerprint = letterFingerprint(letter);
      const { kind, reason, message } = failureOf(letter);
      const earlier = this.#clusters.get(fingerprint);
      this.#clusters.set(fingerprint, {
        fingerprint,
        count: (earlier?.count ?? 0) + 1,
        kind,
        reason,
        first_at: earlier?.first_at ?? letter.buried_at,
        last_at: letter.buried_at,
        message: message.slice(0, MOST_SHOWN),
        id: letter.id,
      });
    }
  }

  /** The largest first; of equal ones the one that was seen last. */
  ranked(): LetterCluster[] {
    return [...this.#clusters.values()].sort((a, b) => b.count - a.count || b.last_at - a.last_at);
  }
}
