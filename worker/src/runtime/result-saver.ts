import type { Consumer, SettleItem } from "../adapters/redis/consumer.ts";
import { withoutOutput } from "../core/without-output.ts";
import type { Kept, ResultStore } from "../ports/result-store.ts";

export interface ResultSaverOptions {
  readonly store: Pick<ResultStore, "backEnd" | "save" | "discard">;
  readonly queue: Pick<Consumer, "settle">;
  /** A result could not be kept; its task ends with an error that says so. */
  readonly onUnsaved: (item: SettleItem, failure: string) => void;
  /** What was kept of refused results could not be removed; a sweep will. */
  readonly onFailure: (error: unknown) => void;
}

/** The end of a task whose result could not be kept: whatever it was, without its output. */
function unsaved(item: SettleItem, backEnd: ResultStore["backEnd"], failure: string): SettleItem {
  const result = withoutOutput(item.result, `its result could not be kept (${backEnd}): ${failure}`);
  return { ...item, result, unsaved: backEnd };
}

/**
 * Keeps results, then settles their tasks. A result is kept once, however often its settle is sent: another text would
 * make a repeated call a refused one.
 */
export class ResultSaver {
  readonly #o: ResultSaverOptions;
  /** Of settles that Redis has not answered. */
  readonly #ready = new Map<SettleItem, SettleItem>();

  constructor(options: ResultSaverOptions) {
    this.#o = options;
  }

  async settle(items: readonly SettleItem[]): Promise<boolean[]> {
    const { queue, store, onFailure } = this.#o;
    const ready = await this.#save(items);
    let accepted: boolean[];
    try {
      accepted = await queue.settle(ready);
    } catch (error) {
      for (const [at, item] of items.entries()) this.#ready.set(item, ready[at] as SettleItem);
      throw error;
    }
    if (this.#ready.size > 0) for (const item of items) this.#ready.delete(item);
    const refused = ready.filter((_, at) => accepted[at] !== true);
    if (refused.length > 0)
      await store
        .discard(refused.map(({ text }) => text).filter((text) => text !== undefined))
        .catch(onFailure);
    return accepted;
  }

  async #save(items: readonly SettleItem[]): Promise<SettleItem[]> {
    const fresh = this.#ready.size === 0 ? items : items.filter((item) => !this.#ready.has(item));
    const kept = await this.#o.store.save(fresh);
    const next = kept.values();
    return items.map((item) => this.#ready.get(item) ?? this.#outcomeOf(item, next.next().value as Kept));
  }

  #outcomeOf(item: SettleItem, kept: Kept): SettleItem {
    if ("text" in kept) return { ...item, text: kept.text };
    this.#o.onUnsaved(item, kept.failure);
    return unsaved(item, this.#o.store.backEnd, kept.failure);
  }
}
