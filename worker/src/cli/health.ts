import type { Command } from "commander";
import { EXIT } from "../../contract/exit-codes.ts";
import type { Action } from "./command.ts";
import { examples } from "./output/help.ts";

interface Options {
  readonly ready?: boolean;
  readonly url?: string;
}

/** `health`: what a container's health check runs. */
export function define(command: Command, ends: Action): void {
  command
    .option("--ready", "whether it can work, not only whether it is alive")
    .option("--url <url>", "address of the process; default: TASKFLEET_HTTP_PORT of this machine")
    .action((options: Options) => ends(run(options)));
  examples(command, [
    ["% health", "exit code 0: the role that serves TASKFLEET_HTTP_PORT here is alive"],
    ["% health --ready --url http://10.0.0.7:9464", "another process, with its Redis and database"],
  ]);
}

const PATIENCE_MS = 4_000;

async function run({ ready = false, url }: Options): Promise<number> {
  const { CliError } = await import("./report-error.ts");
  const base = url ?? (await ownAddress());
  const path = ready ? "/health/ready" : "/health/live";
  try {
    const answer = await fetch(new URL(path, base), { signal: AbortSignal.timeout(PATIENCE_MS) });
    process.stdout.write(await answer.text());
    return answer.ok ? EXIT.ok : EXIT.failed;
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    throw new CliError(`${base} does not answer (${cause?.code ?? (error as Error).message})`, EXIT.failed);
  }
}

/** Where the role of this container serves its health, whatever address it listens on. */
async function ownAddress(): Promise<string> {
  const { loadSettings } = await import("../config/load-settings.ts");
  const { CliError } = await import("./report-error.ts");
  const { httpPort } = loadSettings(process.env, "cli");
  if (httpPort === 0)
    throw new CliError("TASKFLEET_HTTP_PORT names no port: set it, or give --url", EXIT.usage);
  return `http://127.0.0.1:${httpPort}`;
}
