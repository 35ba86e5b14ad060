import { type Config, RunError } from "@pulumi/pulumi";

/** A fleet as a Compose project. */
export async function compose(_stack: string, _config: Config): Promise<Record<string, unknown>> {
  throw new RunError("target compose is not built yet");
}
