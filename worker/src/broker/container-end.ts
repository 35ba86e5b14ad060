/** What a container's end means. Pure. */
import type { SandboxStop } from "../ports/sandbox.ts";
import type { ContainerState } from "./docker.ts";
import { type BrokerEnd, failed } from "./protocol.ts";

/** Docker's exit codes of a program that could not be started. */
const START_CODES: Readonly<Record<number, string>> = { 126: "EACCES", 127: "ENOENT" };
/** As Docker and shells count: 128 and the signal's number. */
const SIGXCPU_EXIT = 128 + 24;

/**
 * `stop`: why the broker ended it; `state`: as Docker has it, `undefined` when the container is gone or never was;
 * `said`: what Docker printed.
 */
export function containerEnd(
  stop: SandboxStop | null,
  state: ContainerState | undefined,
  said: string,
): BrokerEnd {
  const ran = state !== undefined && state.Status !== "created";
  if (stop !== null) return { exitCode: null, signal: "SIGKILL", ...(ran && exited(state)), stop };
  if (state === undefined) return failed("container", "", said.trim() || "Docker gave no reason");
  if (!ran) {
    const code = START_CODES[state.ExitCode];
    return failed(code === undefined ? "container" : "exec", code ?? "", state.Error);
  }
  const limit = state.OOMKilled ? "memory" : state.ExitCode === SIGXCPU_EXIT ? "cpu" : null;
  return { ...exited(state), stop: limit };
}

function exited({ ExitCode }: ContainerState) {
  return { exitCode: ExitCode, signal: null };
}
