import type { Command } from "commander";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { stackEnvironment } from "./environment.ts";
import { ensureStack, findEngine, runPulumi, stackExists } from "./pulumi-stack.ts";
import { setUp } from "./setup.ts";
import { composeStep } from "./setup-compose.ts";
import { checkStackName, DEFAULT_STACK, defaultStack } from "./stack-name.ts";
import { assertTarget, stackConfig, targetOf } from "./stack-target.ts";

/** What to do next with a fleet that is up, on lines of their own. */
export function nextSteps(stack: string): string {
  const client = stackEnvironment(stack);
  const other = stack === DEFAULT_STACK ? "" : ` -s ${stack}`;
  const url = client?.[SETTINGS.apiUrl.env];
  const api = url === undefined ? "" : `, its API: ${url}`;
  const lines = [
    `Stack ${stack} is up${client === undefined ? "" : `; its queue: ${client.REDIS_URL}`}${api}`,
    `  eval "$(./taskfleet env${other})"   addresses, redis-cli, psql's variables and pulumi in this shell`,
    "  ./taskfleet status             queue, workers and spawner at a glance",
    "  ./taskfleet push --help        give it work",
    `  ./taskfleet down${other}             stop it; the data stays`,
  ];
  return `\n${lines.join("\n")}\n`;
}

async function up(stack: string, ask: boolean): Promise<void> {
  checkStackName(stack);
  const engine = findEngine(process.env);
  if (!(await stackExists(engine, stack))) assertTarget(stack, stackConfig(stack));
  const config = stackConfig(stack);
  // On another host, Compose is that host's own.
  if (targetOf(stack, config) === "compose" && !/^\s+taskfleet:host:/m.test(config))
    await setUp([composeStep(process.env)], { output: process.stderr, verbose: false, now: Date.now });
  await ensureStack(engine, stack);
  await runPulumi(engine, stack, ask ? ["up"] : ["up", "--yes", "--skip-preview"]);
  process.stdout.write(nextSteps(stack));
}

/** Adds `taskfleet up`. */
export function register(program: Command): void {
  program
    .command("up")
    .description("bring a stack up, change it, or heal it (runs pulumi up)")
    .option("-s, --stack <name>", "the stack; its name picks the target", defaultStack(process.env))
    .option("-y, --yes", "do not ask (the default)")
    .option("--ask", "show a preview and ask first")
    .action(({ stack, ask }: { stack: string; ask?: boolean }) => up(stack, ask === true));
}
