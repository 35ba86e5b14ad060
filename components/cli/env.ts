import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { engineEnvironment, stackEnvironment } from "./environment.ts";
import { writeWrappers } from "./setup-wrappers.ts";
import { shellExports } from "./shell.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

/** Variables that name one stack's Redis: of no use, and misleading, once another stack is chosen. */
const OF_ONE_STACK = ["REDIS_URL", "REDIS_PASSWORD_FILE", "REDISCLI_AUTH"];

function redisCliPassword(client: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const file = client.REDIS_PASSWORD_FILE;
  return file === undefined ? {} : { REDISCLI_AUTH: readFileSync(file, "utf8").trim() };
}

function printEnvironment(stack: string, environment: NodeJS.ProcessEnv): void {
  checkStackName(stack);
  writeWrappers(environment);
  const client = stackEnvironment(stack);
  const common = { ...engineEnvironment(environment), TASKFLEET_STACK: stack };
  if (client === undefined) {
    const chosenBefore = environment.TASKFLEET_STACK !== undefined;
    process.stdout.write(shellExports(common) + (chosenBefore ? `unset ${OF_ONE_STACK.join(" ")}\n` : ""));
    process.stderr.write(
      `taskfleet: stack ${stack} is not up, so no Redis address is set: run ./taskfleet up${stack === "local" ? "" : ` -s ${stack}`}, then this again\n`,
    );
    return;
  }
  process.stdout.write(shellExports({ ...common, ...client, ...redisCliPassword(client) }));
}

/** Adds `taskfleet env`. */
export function register(program: Command): void {
  program
    .command("env")
    .description('print shell exports for this project: eval "$(./taskfleet env)"')
    .option("-s, --stack <name>", "stack whose Redis to reach", defaultStack(process.env))
    .action(({ stack }: { stack: string }) => printEnvironment(stack, process.env));
}
