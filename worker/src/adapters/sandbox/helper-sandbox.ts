import type { BackEnd, Protection } from "../../../contract/sandbox.ts";
import type { Sandbox, SandboxEnd, SandboxedProgram } from "../../ports/sandbox.ts";
import { HelperRun } from "./helper-run.ts";
import { helperPolicy, type PolicyContext } from "./policy.ts";
import { Turns } from "./turns.ts";

export interface HelperSandboxOptions extends PolicyContext {
  readonly helper: string;
  readonly unenforced: readonly Protection[];
  readonly oneAtATime: boolean;
}

/** The back ends that the helper makes: `landlock` and `bubblewrap`. */
export class HelperSandbox implements Sandbox {
  readonly #options: HelperSandboxOptions;
  readonly #turns = new Turns();

  constructor(options: HelperSandboxOptions) {
    this.#options = options;
  }

  get backEnd(): BackEnd {
    return this.#options.backEnd;
  }

  get unenforced(): readonly Protection[] {
    return this.#options.unenforced;
  }

  get oneAtATime(): boolean {
    return this.#options.oneAtATime;
  }

  async run(program: SandboxedProgram): Promise<SandboxEnd> {
    const run = () => this.#run(program);
    return this.oneAtATime ? this.#turns.take(run, program.signal) : run();
  }

  async #run(program: SandboxedProgram): Promise<SandboxEnd> {
    const policy = helperPolicy(this.#options, program, []);
    return new HelperRun(this.#options.helper, policy, program).end();
  }
}
