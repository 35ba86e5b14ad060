import type { Command } from "commander";

/** Ends a command's help with examples, each a command line and what they do; `%` stands for the name. */
export function examples(command: Command, lines: readonly (readonly [string, string])[]): void {
  command.addHelpText("after", () => {
    const name = programOf(command);
    const named = lines.map(([words, what]) => [words.replaceAll("%", name), what] as const);
    const width = Math.max(...named.map(([words]) => words.length));
    const shown = named.map(([words, what]) => `  $ ${words.padEnd(width)}  # ${what}`);
    return `\nExamples:\n${shown.join("\n")}`;
  });
}

function programOf(command: Command): string {
  let root = command;
  while (root.parent !== null) root = root.parent;
  return root.name();
}
