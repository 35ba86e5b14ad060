import { Command, CommanderError } from "commander";
import { COMPLETE } from "../../contract/completion.ts";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { reportError } from "./report-error.ts";

const EXIT_CODES = `
Exit codes: 0 success, 1 failed, 2 wrong usage or refused input, 3 Redis cannot be reached, 4 time limit,
5 queue full, 130 Ctrl-C. With --json, standard output holds nothing but JSON.`;

/** The name that the user started: `taskfleet`, or `peagen` from the wrapper of that name. */
export function programName(env: NodeJS.ProcessEnv): string {
  return env.TASKFLEET_PROGRAM === "peagen" ? "peagen" : "taskfleet";
}

/** Runs one command line; the promise gives its exit code. Errors are printed, never thrown. */
export async function runCli(words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const name = programName(env);
  let code: number = EXIT.ok;
  const ends: Action = async (result) => {
    code = await result;
  };
  endWithReader();
  try {
    if (words[0] === COMPLETE) return await complete(name, words.slice(2));
    const program = await buildProgram(name, words, ends);
    if (words.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    await program.parseAsync([...words], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return reportError(name, error);
  }
}

/** Answers a shell's completion script; `words` are those behind the program's name. */
async function complete(name: string, words: readonly string[]): Promise<number> {
  const { answerCompletion } = await import("./completion/answer.ts");
  return answerCompletion(await buildProgram(name, words, async () => {}), words);
}

/** Only the command that is asked for is loaded; of the others the help needs no more than a line. */
async function buildProgram(name: string, words: readonly string[], ends: Action): Promise<Command> {
  const program = new Command(name)
    .description("Push tasks to a fleet of workers, follow them, and look after the queue.")
    .usage("<command> [options]")
    .helpCommand("help [command]", "show the help of a command")
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
    })
    .configureHelp({ commandUsage: usageOf })
    .enablePositionalOptions()
    .exitOverride()
    .addHelpText("after", EXIT_CODES);
  const wanted = words[0] === "help" ? words[1] : words[0];
  for (const [word, { summary, hidden = false, load }] of Object.entries(COMMANDS)) {
    if (hidden && word !== wanted) continue;
    const command = program
      .command(word, { hidden })
      .summary(summary)
      .description(`${capital(summary)}.`);
    if (word === wanted) (await load()).define(command, ends);
  }
  hintAtHelp(program);
  return program;
}

/** A wrong word on the command line ends with where to read on. */
function hintAtHelp(command: Command): void {
  command.showHelpAfterError(`  See ${pathOf(command)} --help.`);
  for (const inner of command.commands) hintAtHelp(inner);
}

function usageOf(command: Command): string {
  return `${pathOf(command)} ${command.usage()}`;
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * When the reader of a pipe has gone (`| head`), there is nobody to print for: no error, no stack trace. A
 * command that has something to clean up listens to SIGPIPE, which is ignored otherwise.
 */
function endWithReader(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
      if (!process.emit("SIGPIPE")) process.exit(EXIT.ok);
    });
  }
}
