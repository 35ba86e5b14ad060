import { type Config, type Output, RunError } from "@pulumi/pulumi";
import { SpecError, type SpecProblem, show } from "../components/spec/errors.ts";

const NAME = /^[A-Z_][A-Z0-9_]*$/;

function problemsOf(secrets: unknown): readonly SpecProblem[] {
  if (typeof secrets !== "object" || secrets === null || Array.isArray(secrets)) {
    const wayOut = "Set them one by one: pulumi config set --secret --path taskfleet:secrets.NAME.";
    return [{ path: "taskfleet:secrets", received: "something else", allowed: "texts by name", wayOut }];
  }
  return Object.entries(secrets).flatMap(([name, value]) => {
    const path = `taskfleet:secrets.${name}`;
    if (!NAME.test(name))
      return [{ path, received: show(name), allowed: "a name of A-Z, 0-9 and _", wayOut: "Rename it." }];
    if (typeof value === "string") return [];
    // Of a value that may be a secret only its type is told.
    return [{ path, received: `a ${typeof value}`, allowed: "a text", wayOut: "Put it in quotes." }];
  });
}

/**
 * Config `taskfleet:secrets`: what handlers may ask for, by name, as JSON. Always a secret of the stack, however it was
 * set. `undefined` where the config has none. Throws `RunError` with every problem at once, and no value.
 */
export function handlerSecrets(config: Config): Output<string> | undefined {
  return config.getSecretObject<unknown>("secrets")?.apply((secrets) => {
    const problems = problemsOf(secrets);
    // Where a value is awaited, only this kind of error comes without a stack trace.
    if (problems.length > 0) throw new RunError(new SpecError(problems).message);
    return JSON.stringify(secrets);
  });
}
