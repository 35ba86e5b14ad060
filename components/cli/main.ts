import { spawnSync } from "node:child_process";
import { Command, CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { COMPLETE } from "../../worker/contract/completion.ts";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { explain, HostError } from "../hosts/errors.ts";
import { PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";

interface PlatformCommand {
  /** Whether the set-up's steps come first. */
  readonly needsSetup: boolean;
  load(): Promise<{ register(program: Command): void }>;
}

/** The platform's commands; each module is loaded only when its command, or the help, is asked for. */
const COMMANDS: Readonly<Record<string, PlatformCommand>> = {
  setup: { needsSetup: false, load: () => import("./setup.ts") },
  up: { needsSetup: true, load: () => import("./up.ts") },
  down: { needsSetup: true, load: () => import("./down.ts") },
  demo: { needsSetup: true, load: () => import("./demo.ts") },
  bench: { needsSetup: true, load: () => import("./bench.ts") },
  test: { needsSetup: true, load: () => import("./test.ts") },
  check: { needsSetup: false, load: () => import("./check.ts") },
  env: { needsSetup: false, load: () => import("./env.ts") },
  images: { needsSetup: false, load: () => import("./images.ts") },
};

function createProgram(): Command {
  return new Command("taskfleet")
    .description("A fleet of Redis-fed task workers: platform commands")
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError("(--help shows what there is)")
    .hook("preAction", async (_program, action) => {
      if (!COMMANDS[action.name()]?.needsSetup) return;
      const { setUp, setupSteps } = await import("./setup.ts");
      await setUp(setupSteps(process.env), { output: process.stderr, verbose: false, now: Date.now });
    });
}

/** The worker package lists its own commands, so that no name stands twice. */
function queueHelp(): string {
  const { stdout } = spawnSync(process.execPath, [PATHS.workerMain, "--help"], { encoding: "utf8" });
  return `\nQueue commands (worker package):\n${stdout}`;
}

/** Answers a shell's completion script; `words` are those behind the program's name. */
async function complete(words: readonly string[]): Promise<void> {
  const program = createProgram();
  const wanted = words[0] === "help" ? words[1] : words[0];
  const chosen = wanted === undefined ? undefined : COMMANDS[wanted];
  for (const command of chosen === undefined ? Object.values(COMMANDS) : [chosen])
    (await command.load()).register(program);
  const { answerCompletion } = await import("./completion.ts");
  await answerCompletion(program, words);
}

async function run(words: readonly string[]): Promise<void> {
  if (words[0] === COMPLETE) return complete(words.slice(2));
  const program = createProgram();
  const [name] = words;
  const chosen = name === undefined ? undefined : COMMANDS[name];
  for (const command of chosen === undefined ? Object.values(COMMANDS) : [chosen])
    (await command.load()).register(program);
  if (chosen === undefined) program.addHelpText("after", queueHelp);
  if (name === undefined) program.outputHelp();
  else await program.parseAsync(words, { from: "user" });
}

/** What a user can mend is one line; a fault of ours shows where it came from. */
function messageOf(error: unknown): string {
  if (error instanceof CommandError || error instanceof HostError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, path, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined && path !== undefined) return explain(`${syscall} ${path}`, error).message;
  return error.stack ?? error.message;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  process.stderr.write(`taskfleet: ${messageOf(error)}\n`);
  return error instanceof CommandError ? error.exitCode : EXIT.failed;
}

// A reader that has gone (`| head`) has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  await run(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
