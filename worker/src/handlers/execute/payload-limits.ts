/** The limits of one sandboxed program: the worker's, which a payload may lower. Pure. */
import { SETTINGS } from "../../../contract/settings.ts";
import type { Settings } from "../../config/load-settings.ts";
import type { SandboxLimits } from "../../ports/sandbox.ts";

/** What a payload may say of limits. */
export interface AskedLimits {
  readonly processes?: number;
  readonly memoryBytes?: number;
  readonly cpuMs?: number;
  readonly diskBytes?: number;
  readonly timeoutMs?: number;
  readonly maxOutputBytes?: number;
}

/** The limits, or what is asked for in excess, as a text. */
export function payloadLimits(asked: AskedLimits, most: SandboxLimits): SandboxLimits | string {
  const { maxOutputBytes: outputBytes, ...others } = asked;
  const wanted: Partial<SandboxLimits> = { ...others, ...(outputBytes !== undefined && { outputBytes }) };
  const names = Object.keys(most) as (keyof SandboxLimits)[];
  const over = names.filter((name) => (wanted[name] ?? 0) > most[name]);
  // Of a payload its limits alone.
  if (over.length === 0)
    return Object.fromEntries(
      names.map((name) => [name, wanted[name] ?? most[name]]),
    ) as unknown as SandboxLimits;
  const texts = over.map((name) => {
    const field = name === "outputBytes" ? "maxOutputBytes" : name;
    return `${field} is ${wanted[name]}, at most ${most[name]} is allowed to sandboxed programs here`;
  });
  return `${texts.join("; ")}; lower it, or raise the fleet's execute limits`;
}

type LimitSettings = Pick<
  Settings<"worker">,
  "executeProcesses" | "executeMemory" | "executeCpuTime" | "executeTimeout" | "executeOutput" | "executeDisk"
>;

/** The limits as a worker's settings give them. */
export function limitsOf(settings: LimitSettings): SandboxLimits {
  return {
    processes: settings.executeProcesses,
    memoryBytes: settings.executeMemory,
    cpuMs: settings.executeCpuTime * 1000,
    timeoutMs: settings.executeTimeout * 1000,
    outputBytes: settings.executeOutput,
    diskBytes: settings.executeDisk,
  };
}

export const DEFAULT_LIMITS = limitsOf({
  executeProcesses: SETTINGS.executeProcesses.default,
  executeMemory: SETTINGS.executeMemory.default,
  executeCpuTime: SETTINGS.executeCpuTime.default,
  executeTimeout: SETTINGS.executeTimeout.default,
  executeOutput: SETTINGS.executeOutput.default,
  executeDisk: SETTINGS.executeDisk.default,
});
