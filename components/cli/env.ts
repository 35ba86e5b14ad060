import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { engineEnvironment, stackEnvironment } from "./environment.ts";
import { writeWrappers } from "./setup-wrappers.ts";
import { shellExports } from "./shell.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

const fileOf = (name: string) => `${name}_FILE`;
const { redisUrl, redisPassword, tablePrefix, apiUrl, apiKey, backupDirectory, prometheusUrl } = SETTINGS;
const { pgHost, pgPort, pgUser, pgDatabase, pgPassword } = SETTINGS;
const { databaseUrl, databaseAdminUrl, databaseMigrateUrl, databaseBackupUrl } = SETTINGS;

/** What other programs read by value: psql its password, curl the API's key. */
const BY_VALUE = [pgPassword.env, apiKey.env];

/** Variables that name one stack's servers: of no use, and misleading, once another stack is chosen. */
const OF_ONE_STACK = [
  ...[redisUrl.env, fileOf(redisPassword.env), "REDISCLI_AUTH"],
  ...[pgHost, pgPort, pgUser, pgDatabase, pgPassword, tablePrefix].map(({ env }) => env),
  ...[databaseUrl, databaseAdminUrl, databaseMigrateUrl, databaseBackupUrl].map(({ env }) => fileOf(env)),
  ...["COMPOSE_FILE", "COMPOSE_PROJECT_NAME"],
  ...[apiUrl.env, apiKey.env, backupDirectory.env, prometheusUrl.env],
];

type Variables = Readonly<Record<string, string>>;

const secretIn = (file: string) => readFileSync(file, "utf8").trim();

/** The stack's variables as a shell has them: a secret that other programs read is there itself. */
function shellVariables(client: Variables): Variables {
  const variables = Object.entries(client).map(([name, value]) => {
    const secret = BY_VALUE.find((one) => fileOf(one) === name);
    return secret === undefined ? [name, value] : [secret, secretIn(value)];
  });
  const file = client[fileOf(redisPassword.env)];
  return {
    ...Object.fromEntries(variables),
    ...(file === undefined ? {} : { REDISCLI_AUTH: secretIn(file) }),
  };
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
  const variables = { ...common, ...shellVariables(client) };
  const absent = OF_ONE_STACK.filter((name) => environment[name] !== undefined && !(name in variables));
  const chosenBefore = environment.TASKFLEET_STACK !== undefined;
  const forget = chosenBefore && absent.length > 0 ? `unset ${absent.join(" ")}\n` : "";
  process.stdout.write(shellExports(variables) + forget);
}

/** Adds `taskfleet env`. */
export function register(program: Command): void {
  program
    .command("env")
    .description('print shell exports for this project: eval "$(./taskfleet env)"')
    .option("-s, --stack <name>", "stack whose servers to reach", defaultStack(process.env))
    .action(({ stack }: { stack: string }) => printEnvironment(stack, process.env));
}
