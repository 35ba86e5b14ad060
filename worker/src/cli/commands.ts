import type { Command } from "commander";

/** What a command's action ends with: one of `EXIT`. */
export type Action = (code: number | Promise<number>) => Promise<void>;

/** What every command module exports. */
export interface CommandModule {
  /** Adds arguments, options, help and the action to a command of that name. `ends` takes the exit code. */
  define(command: Command, ends: Action): void;
}

export interface CommandEntry {
  readonly summary: string;
  /** Left out of the list of commands: started by the fleet itself. */
  readonly hidden?: boolean;
  readonly load: () => Promise<CommandModule>;
}

/** Every command of the queue's command line, in the order of its help. */
export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  worker: { summary: "run a worker, or test that one could start", load: () => import("./worker.ts") },
  spawner: { summary: "run a spawner", load: () => import("./spawner.ts") },
  supervise: {
    summary: "run a worker and record why it ended",
    hidden: true,
    load: () => import("./supervise.ts"),
  },
};
