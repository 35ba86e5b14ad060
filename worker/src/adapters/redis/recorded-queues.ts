/** What scripts say of a queue's switches, as one number. */
const PAUSED = 1;
const RECORDED = 2;
const FOLLOWED = 4;

/** Which queues are recorded or followed by sessions, as the last answer of each told: only then is there anything to tell of their tasks. */
export class RecordedQueues {
  readonly #recorded = new Set<string>();
  readonly #followed = new Set<string>();

  /** Takes an answer's switches in; returns whether the queue is paused. */
  note(queue: string, switches: number): boolean {
    const keep = (queues: Set<string>, isIn: boolean) => (isIn ? queues.add(queue) : queues.delete(queue));
    keep(this.#recorded, (switches & RECORDED) !== 0);
    keep(this.#followed, (switches & FOLLOWED) !== 0);
    return (switches & PAUSED) !== 0;
  }

  has(queue: string): boolean {
    return this.#recorded.has(queue);
  }

  isFollowed(queue: string): boolean {
    return this.#followed.has(queue);
  }
}
