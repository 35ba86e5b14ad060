import type { Command } from "commander";

/** What a command's action ends with: one of `EXIT`. */
export type Action = (code: number | Promise<number>) => Promise<void>;

/** What every command module exports. */
export interface CommandModule {
  /** Adds arguments, options, help and the action to a command of that name. `ends` takes the exit code. */
  define(command: Command, ends: Action): void;
}
