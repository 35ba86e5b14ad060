/** What services of the project have in common. */
import { SETTINGS, type SettingName, type SettingRole } from "../../../worker/contract/settings.ts";
import { DEFAULT_CLASS, type ResolvedClass, type ResolvedFleet } from "../../spec/resolve.ts";
import {
  classSettings,
  type Environment,
  type SettingValues,
  secretFileVariable,
  toEnvironment,
} from "../../spec/to-environment.ts";
import { literal, NETWORK, PATH, PORT, SECRET, SERVICE, secretPath, VOLUME } from "./names.ts";
import type { DependsOn, Hardening, HealthCheck, Mount, UnloggedService, Workload } from "./service.ts";

/** A service in the order in which people read one: what it runs, whom it talks to, how it is kept in bounds. */
export function service(
  name: string,
  about: string,
  workload: Workload,
  hardening: Hardening,
): UnloggedService {
  return { name, about, service: { ...workload, ...hardening } };
}

/** `worker` and `spawner` for the fleet's own class, `worker-gpu` and `spawner-gpu` for class `gpu`. */
export function serviceNames({ service: worker }: { readonly service: string }, { name }: ResolvedClass) {
  const suffix = name === DEFAULT_CLASS ? "" : `-${name}`;
  return { worker: `${worker}${suffix}`, spawner: `spawner${suffix}` } as const;
}

export const isDefaultClass = ({ name }: ResolvedClass) => name === DEFAULT_CLASS;

/** Every role of the worker image runs as the spec says. */
export const roleUser = ({ security: { uid } }: ResolvedFleet) => `${uid}:${uid}`;

/** Published for this machine alone. */
export const loopbackPort = (published: number, inside: number) => `127.0.0.1:${published}:${inside}`;

/** The health check of the worker image, more often while a container starts. */
export const ROLE_HEALTH: HealthCheck = {
  test: ["CMD", "taskfleet", "health"],
  interval: "5s",
  timeout: "5s",
  start_period: "60s",
  retries: 3,
};

function isDefault(name: SettingName, value: SettingValues[SettingName]): boolean {
  return JSON.stringify(SETTINGS[name].default) === JSON.stringify(value);
}

/** What the spec says to a role and the image does not say by itself. */
export function roleSettings(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  role: SettingRole,
): SettingValues {
  const told = Object.entries(classSettings(fleet, workerClass, role)) as [
    SettingName,
    SettingValues[SettingName],
  ][];
  return Object.fromEntries(told.filter(([name, value]) => name === "streams" || !isDefault(name, value)));
}

/** Settings as variables that Compose takes as they are. */
export function environment(settings: SettingValues): Environment {
  const entries = Object.entries(toEnvironment(settings));
  return Object.fromEntries(entries.map(([name, value]) => [name, literal(value)]));
}

export const streamsOf = (fleet: ResolvedFleet) => fleet.classes.map(({ stream }) => stream);

/** How a role reaches the queue. */
export const QUEUE = {
  environment: {
    ...toEnvironment({ redisUrl: `redis://${SERVICE.redis}:${PORT.redis}` }),
    [secretFileVariable("redisPassword")]: secretPath(SECRET.redisPassword),
  },
  secrets: [SECRET.redisPassword],
  networks: [NETWORK.queue, NETWORK.monitoring],
} as const;

/** A folder or file of the project, which containers only read. */
export function readOnlyBind(source: string, target: string): Mount {
  return { type: "bind", source, target, read_only: true, bind: { create_host_path: false } };
}

/** A folder of the engine's host that the service's user may write to. */
export function writableBind(source: string, target: string): Mount {
  return { type: "bind", source, target, bind: { create_host_path: false } };
}

export const volume = (source: string, target: string): Mount => ({ type: "volume", source, target });

/** Where results are kept as files: a volume, or the spec's own folder, which the host has at the same path. */
export function resultsMount({ delivery: { resultDirectory } }: ResolvedFleet): readonly Mount[] {
  if (resultDirectory === "") return [];
  if (resultDirectory === PATH.results) return [volume(VOLUME.results, PATH.results)];
  return [writableBind(resultDirectory, resultDirectory)];
}

export const healthy = (...names: readonly string[]): DependsOn =>
  Object.fromEntries(names.map((name) => [name, { condition: "service_healthy" }]));

export const done = (...names: readonly string[]): DependsOn =>
  Object.fromEntries(names.map((name) => [name, { condition: "service_completed_successfully" }]));
