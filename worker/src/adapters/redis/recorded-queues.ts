/** What scripts say of a queue's switches, as one number. */
const PAUSED = 1;
const RECORDED = 2;

/** Which queues are recorded, as the last answer of each told: only then is there anything to tell of their tasks. */
export class RecordedQueues {
  readonly #queues = new Set<string>();

  /** Takes an answer's switches in; returns whether the queue is paused. */
  note(queue: string, switches: number): boolean {
    if ((switches & RECORDED) === 0) this.#queues.delete(queue);
    else this.#queues.add(queue);
    return (switches & PAUSED) !== 0;
  }

  has(queue: string): boolean {
    return this.#queues.has(queue);
  }
}
