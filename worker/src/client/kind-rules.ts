import type { Redis } from "ioredis";
import { readKinds } from "../adapters/redis/queue-status.ts";
import { TaskRefusedError } from "../core/errors.ts";
import type { NewTask } from "../core/task.ts";
import { type TaskRules, TaskValidator } from "../core/validate-task.ts";

/** Judges tasks by the kinds that the fleet has published, which are read once, and again when a task is refused. */
export class KindRules {
  readonly #redis: Redis;
  readonly #stream: string;
  readonly #rules: Omit<TaskRules, "kinds">;
  #known: { readonly text: string; readonly validator: TaskValidator } | undefined;

  constructor(redis: Redis, stream: string, rules: Omit<TaskRules, "kinds">) {
    this.#redis = redis;
    this.#stream = stream;
    this.#rules = rules;
  }

  /** What `check` returns, or throws as a `TaskRefusedError`, by rules that are as new as that takes. */
  async judge<T>(check: (validator: TaskValidator) => T): Promise<T> {
    const known = this.#known?.validator;
    try {
      return check(known ?? (await this.#load()));
    } catch (error) {
      // The fleet may have published other kinds since the rules were read.
      if (known === undefined || !(error instanceof TaskRefusedError)) throw error;
      const fresh = await this.#load();
      if (fresh === known) throw error;
      return check(fresh);
    }
  }

  /** The payloads' JSON texts, once all tasks are found in order. */
  texts(tasks: readonly NewTask[]): Promise<string[]> {
    return this.judge((validator) => tasks.map((task) => validator.check(task)));
  }

  async #load(): Promise<TaskValidator> {
    const kinds = [...(await readKinds(this.#redis, this.#stream)).values()];
    const text = JSON.stringify(kinds);
    // Schemas are compiled anew only where one changed.
    if (this.#known?.text !== text)
      this.#known = { text, validator: new TaskValidator({ kinds, ...this.#rules }) };
    return this.#known.validator;
  }
}
