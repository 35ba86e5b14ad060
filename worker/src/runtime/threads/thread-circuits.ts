import type { Circuits, Permit, Verdict } from "../../ports/circuits.ts";
import type { FromThread } from "./messages.ts";

const GO_AHEAD: Permit = { waitMs: 0, probe: "" };

/** Circuits as a thread has them: the worker is asked by message. */
export class ThreadCircuits implements Circuits {
  readonly #post: (message: FromThread) => void;
  readonly #open = new Map<number, (permit: Permit) => void>();
  #calls = 0;

  constructor(post: (message: FromThread) => void) {
    this.#post = post;
  }

  enter(circuit: string): Promise<Permit> {
    return this.#ask((call) => ({ type: "enter", call, circuit }));
  }

  async report(circuit: string, permit: Permit, verdict: Verdict): Promise<void> {
    await this.#ask((call) => ({ type: "report", call, circuit, permit, verdict }));
  }

  /** The worker's answer to the call of this number. */
  answered(call: number, permit: Permit = GO_AHEAD): void {
    this.#open.get(call)?.(permit);
    this.#open.delete(call);
  }

  #ask(message: (call: number) => FromThread): Promise<Permit> {
    const call = ++this.#calls;
    return new Promise((resolve) => {
      this.#open.set(call, resolve);
      this.#post(message(call));
    });
  }
}
