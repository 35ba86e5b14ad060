import { Config, getStack, RunError } from "@pulumi/pulumi";
import { HostError } from "../components/hosts/errors.ts";
import { PostgresMissingError } from "../components/platform/postgres-server.ts";
import { RedisServerMissingError } from "../components/platform/redis-server.ts";
import { TARGET_NAMES, type TargetName } from "../components/spec/defaults.ts";
import { SpecError } from "../components/spec/errors.ts";
import { UnsupportedError } from "../components/targets/capabilities.ts";
import { compose } from "./compose.ts";
import { local } from "./local.ts";

type Program = (stack: string, config: Config) => Promise<Record<string, unknown>>;

const PROGRAMS: Readonly<Record<TargetName, Program>> = { local, compose };

const EXPECTED = [SpecError, UnsupportedError, HostError, RedisServerMissingError, PostgresMissingError];

function programOf(target: string): Program {
  const name = TARGET_NAMES.find((known) => known === target);
  if (name !== undefined) return PROGRAMS[name];
  throw new RunError(
    `there is no target "${target}"; targets: ${TARGET_NAMES.join(", ")}. ` +
      `Name the stack after one, or set it: pulumi config set taskfleet:target ${TARGET_NAMES[0]}`,
  );
}

/** The stack's program: config `taskfleet:target`, by default the stack's name, picks the target. */
export default async function program(): Promise<Record<string, unknown>> {
  const config = new Config("taskfleet");
  const stack = getStack();
  const run = programOf(config.get("target") ?? stack);
  try {
    return await run(stack, config);
  } catch (error) {
    // What a user can mend needs no stack trace.
    if (EXPECTED.some((type) => error instanceof type)) throw new RunError((error as Error).message);
    throw error;
  }
}
