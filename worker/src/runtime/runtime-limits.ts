import type { Settings } from "../config/load-settings.ts";
import type { RuntimeLimits } from "./worker-runtime.ts";

const ms = (seconds: number) => Math.round(seconds * 1000);

/** How many heartbeats a worker may miss before its lease is over. */
const HEARTBEATS_PER_LEASE = 3;

/** The settings, in the runtime's units. */
export function runtimeLimits(settings: Settings<"worker">): RuntimeLimits {
  return {
    concurrency: settings.concurrency,
    batchSize: settings.batchSize,
    pollMs: ms(settings.pollInterval),
    heartbeatMs: ms(settings.lease / HEARTBEATS_PER_LEASE),
    taskTimeoutMs: ms(settings.taskTimeout),
    maxAttempts: settings.maxAttempts,
    cancelGraceMs: ms(settings.cancelGrace),
    gracefulShutdownMs: ms(settings.gracefulShutdownTimeout),
    idleExitMs: ms(settings.idleExit),
    maxUptimeMs: ms(settings.maxUptime),
  };
}
