import { Argument, type Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

/** `completion`: what a shell needs to complete the command line. */
export function define(command: Command, ends: Action): void {
  command
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS))
    .action((shell: Shell) => ends(print(shell)));
  examples(command, [
    [`eval "$(% completion bash)"`, "in ~/.bashrc; the same with zsh in ~/.zshrc"],
    ["% completion zsh > ~/.zfunc/_taskfleet", "or in a folder of zsh's $fpath"],
    ["% completion fish > ~/.config/fish/completions/taskfleet.fish", "for fish"],
  ]);
  command.addHelpText(
    "after",
    "\nCompletes commands, options, choices, kinds, stacks and workers of both names, taskfleet and peagen.",
  );
}

async function print(shell: Shell): Promise<number> {
  const { SCRIPTS } = await import("./completion/scripts.ts");
  process.stdout.write(SCRIPTS[shell]);
  return EXIT.ok;
}
