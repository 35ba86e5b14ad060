import { PRESETS, SETTINGS, type SettingName } from "../../worker/contract/settings.ts";
import type { FleetSpec } from "./fleet-spec.ts";

/** The defaults of what no setting of the worker image covers. Sizes in bytes. */
export const DEFAULTS = {
  name: "peagen",
  workerService: "worker",
  /** No folder: the bundled handlers alone. */
  handlers: "",
  /** GPUs of a worker class. */
  gpu: 0,
  untrustedExecute: false,
  redisPort: 6379,
  redisMaxMemory: 2 * 1024 ** 3,
  /** Where the two spawners of a class answer /metrics and /health, where that port is free. */
  spawnerPort: 9464,
  recordRuns: true,
  apiEnabled: true,
  apiHost: "127.0.0.1",
  backupEnabled: true,
  observability: true,
  grafana: true,
  logs: true,
  prometheusPort: 9090,
  grafanaPort: 3000,
  syslogPort: 1514,
  tracing: false,
  history: true,
} as const;

/**
 * What differs by target, for every target there is. `local` watches its workers closely: a developer who
 * kills one waits seconds for the task, and a pause of the machine costs no more than one more run. On `compose` the
 * queue's watcher ends idle workers, a container has room for large tasks beside its reservation, and the API is the one
 * port that the network reaches.
 */
export const TARGET_DEFAULTS = {
  local: { delivery: { lease: 6, sweepInterval: 4 } },
  compose: { worker: { idleExit: 0 }, security: { memory: "2 GiB" }, api: { host: "0.0.0.0" } },
} as const satisfies Record<string, FleetSpec>;

export type TargetName = keyof typeof TARGET_DEFAULTS;
export const TARGET_NAMES = Object.keys(TARGET_DEFAULTS) as readonly TargetName[];

export type PresetName = keyof typeof PRESETS;

/** A setting's own default, or what the preset puts in its place. */
export function settingDefault(name: SettingName, preset: PresetName): unknown {
  const replaced: Partial<Record<SettingName, unknown>> = PRESETS[preset];
  return replaced[name] ?? SETTINGS[name].default;
}
