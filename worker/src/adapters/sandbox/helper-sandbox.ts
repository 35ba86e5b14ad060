import type { BackEnd, Protection } from "../../../contract/sandbox.ts";
import type { Sandbox, SandboxEnd, SandboxedProgram } from "../../ports/sandbox.ts";
import { hitOf, type TaskGroups } from "../cgroups/task-groups.ts";
import { HelperRun } from "./helper-run.ts";
import { helperPolicy, type PolicyContext } from "./policy.ts";
import { Turns } from "./turns.ts";

export interface HelperSandboxOptions extends PolicyContext {
  readonly helper: string;
  readonly unenforced: readonly Protection[];
  readonly oneAtATime: boolean;
  /** Control groups for the programs, or why there are none. */
  readonly groups: TaskGroups | string;
}

/** How often a group is asked whether a limit was hit. */
const WATCH_MS = 50;

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

  /** Whether each program has a control group of its own; else why not. */
  get groups(): true | string {
    return typeof this.#options.groups === "string" ? this.#options.groups : true;
  }

  async run(program: SandboxedProgram): Promise<SandboxEnd> {
    const run = () => this.#run(program);
    return this.oneAtATime ? this.#turns.take(run, program.signal) : run();
  }

  async #run(program: SandboxedProgram): Promise<SandboxEnd> {
    const { groups } = this.#options;
    if (typeof groups === "string") return this.#start(program, []).end();
    const group = groups.make(program.limits);
    try {
      const run = this.#start(program, group.joinFiles);
      const watch = setInterval(() => {
        const hit = hitOf(group);
        if (hit !== null) run.kill(hit);
      }, WATCH_MS);
      const end = await run.end().finally(() => clearInterval(watch));
      return { ...end, stop: end.stop ?? hitOf(group) };
    } finally {
      await group.remove();
    }
  }

  #start(program: SandboxedProgram, cgroups: readonly string[]): HelperRun {
    return new HelperRun(this.#options.helper, helperPolicy(this.#options, program, cgroups), program);
  }
}
