import { Command, CommanderError } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import { COMMANDS } from "./commands.ts";
import { reportError } from "./report-error.ts";

/** The name that the user started: `taskfleet`, or `peagen` from the wrapper of that name. */
export function programName(env: NodeJS.ProcessEnv): string {
  return env.TASKFLEET_PROGRAM === "peagen" ? "peagen" : "taskfleet";
}

/** Runs one command line; the promise gives its exit code. Errors are printed, never thrown. */
export async function runCli(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const name = programName(env);
  let code: number = EXIT.ok;
  const ends = async (result: number | Promise<number>) => {
    code = await result;
  };
  try {
    const program = await buildProgram(name, words, ends);
    if (words.length === 0) {
      program.outputHelp();
      return EXIT.usage;
    }
    await program.parseAsync([...words], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportError(name, error);
  }
}

/** Only the command that is asked for is loaded; of the others the help needs no more than a line. */
async function buildProgram(
  name: string,
  words: readonly string[],
  ends: (code: number | Promise<number>) => Promise<void>,
): Promise<Command> {
  const program = new Command(name)
    .description("Push tasks to a fleet of workers, follow them, and look after the queue.")
    .helpCommand("help [command]", "show the help of a command")
    .showHelpAfterError(`(see ${name} --help)`)
    .configureHelp({ showGlobalOptions: false })
    .exitOverride();
  const wanted = words[0] === "help" ? words[1] : words[0];
  for (const [word, entry] of Object.entries(COMMANDS)) {
    const command = program
      .command(word, { hidden: entry.hidden ?? false })
      .description(entry.summary)
      .exitOverride();
    if (word === wanted) (await entry.load()).define(command, ends);
  }
  return program;
}
