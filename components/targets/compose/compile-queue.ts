/** Redis, and what works on its queues: workers and spawners. */
import { createHash } from "node:crypto";
import { controlsBy } from "../../../worker/contract/controls.ts";
import { SETTINGS, type SettingName } from "../../../worker/contract/settings.ts";
import type { ProjectFile } from "../../platform/project-file.ts";
import { redisConfig } from "../../platform/redis.ts";
import type { ResolvedClass, ResolvedFleet } from "../../spec/resolve.ts";
import { SECURITY_FIELDS, WORKER_FIELDS } from "../../spec/setting-fields.ts";
import type { Environment, SettingValues } from "../../spec/to-environment.ts";
import { REFERENCES } from "../references.ts";
import type { ComposeContext } from "./context.ts";
import { MEMORY, SERVER_USER } from "./footprints.ts";
import { NETWORK, PATH, PORT, SECRET, SERVICE, secretPath, VARIABLE, VOLUME, variable } from "./names.ts";
import {
  environment,
  healthy,
  isDefaultClass,
  loopbackPort,
  QUEUE,
  ROLE_HEALTH,
  readOnlyBind,
  resultsMount,
  roleSettings,
  roleUser,
  service,
  serviceNames,
  volume,
} from "./parts.ts";
import { hardenPart, hardenWorker } from "./profile.ts";
import type { DependsOn, Mount, UnloggedService } from "./service.ts";

/** Two, so that one succeeds the other within the leader's lease. */
const SPAWNERS = 2;
/** Beyond the workers' own time to finish: to hand tasks back and say farewell. */
export const EXIT_MARGIN_SECONDS = 15;
const CONFIG_FILE = "redis/redis.conf";

/** A container's memory for a Redis whose data may take so much. */
export const redisMemory = ({ redis: { maxMemory } }: ResolvedFleet) => MEMORY.redis + 2 * maxMemory;

export function redisFiles({ redis: { maxMemory } }: ResolvedFleet): readonly ProjectFile[] {
  const content = redisConfig({
    port: String(PORT.redis),
    bind: "0.0.0.0",
    dataDirectory: PATH.redisData,
    maxMemory,
    passwordHash: REFERENCES.redisPasswordHash,
  });
  return [{ path: CONFIG_FILE, content, mode: "0444" }];
}

export function redisService(fleet: ResolvedFleet, { images }: ComposeContext): UnloggedService {
  const ask = `REDISCLI_AUTH="$$(cat ${secretPath(SECRET.redisPassword)})" redis-cli ping | grep -q PONG`;
  return service(
    SERVICE.redis,
    "The queues. Reached from this machine alone, with a password.",
    {
      image: images.redis,
      command: ["redis-server", PATH.redisConfig],
      secrets: [SECRET.redisPassword],
      volumes: [readOnlyBind(`./${CONFIG_FILE}`, PATH.redisConfig), volume(VOLUME.redis, PATH.redisData)],
      networks: [NETWORK.queue, NETWORK.front],
      ports: [loopbackPort(fleet.redis.port.port, PORT.redis)],
      // It loads its data first, which takes seconds a gigabyte.
      healthcheck: {
        test: ["CMD", "sh", "-c", ask],
        interval: "5s",
        timeout: "5s",
        start_period: "300s",
        retries: 3,
      },
      restart: "unless-stopped",
      stop_grace_period: "60s",
    },
    hardenPart("redis", { user: SERVER_USER.redis, memory: redisMemory(fleet) }),
  );
}

function handlersMount({ handlers }: ComposeContext): readonly Mount[] {
  return handlers === null ? [] : [readOnlyBind(handlers.directory, PATH.handlers)];
}

/** The digest makes containers of other handlers other containers. */
function handlersLabel({ handlers }: ComposeContext): Readonly<Record<string, string>> {
  return handlers === null ? {} : { "taskfleet.handlers": handlers.digest };
}

const handlersSetting = ({ handlers }: ComposeContext): SettingValues =>
  handlers === null ? {} : { handlers: PATH.handlers };

/** The config's own secrets count before those of other sources. */
function secretSettings({ secrets }: ResolvedFleet, { hasSecrets }: ComposeContext): SettingValues {
  const own = hasSecrets ? [`file:${secretPath(SECRET.handlers)}`] : [];
  const secretSources = [...own, ...secrets.sources];
  return secretSources.length === 0 ? {} : { secretSources, secretRefresh: secrets.refresh };
}

/** How the engine confines a worker is not for the worker to read; `WORKER_...` stand apart. */
const ENGINES: readonly string[] = Object.values(SECURITY_FIELDS);
const isWorkerVariable = (name: string) => name.startsWith("WORKER_");
const isApart = (name: string) =>
  ENGINES.includes(name) || isWorkerVariable(SETTINGS[name as SettingName].env);

function workerSettings(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  context: ComposeContext,
): SettingValues {
  const { security, history } = fleet;
  const told = Object.entries(roleSettings(fleet, workerClass, "worker"));
  return {
    ...Object.fromEntries(told.filter(([name]) => !isApart(name))),
    ...handlersSetting(context),
    ...secretSettings(fleet, context),
    ...(history.enabled ? { history: `${PATH.history}/execution_history.jsonl` } : {}),
    controls: JSON.stringify(controlsBy(security, "Docker")),
  };
}

/** `WORKER_...`: preset, concurrency and the like, all of them, whatever the image's defaults. */
function workerVariables({ worker }: ResolvedClass): Environment {
  const values = Object.entries(WORKER_FIELDS).map(([field, name]) => [
    name,
    worker[field as keyof typeof WORKER_FIELDS],
  ]);
  const variables = Object.entries(environment(Object.fromEntries(values)));
  return Object.fromEntries(variables.filter(([name]) => isWorkerVariable(name)));
}

/** The variables that the shell and `.env` may set, with the spec's value where they do not. */
export function interpolated(workerClass: ResolvedClass): Environment {
  const variables = Object.entries(workerVariables(workerClass));
  return Object.fromEntries(variables.map(([name, value]) => [name, `\${${name}:-${value}}`]));
}

/** Tells workers of this definition from others: a hash of it, and the image's digest. */
function revisionOf(definition: object): string {
  const hash = createHash("sha256").update(JSON.stringify(definition)).digest("hex").slice(0, 16);
  return `${hash}-${variable(VARIABLE.imageTag)}`;
}

function workerService(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  context: ComposeContext,
  servers: DependsOn,
): UnloggedService {
  const { worker: name } = serviceNames(fleet, workerClass);
  const variables: Environment = {
    ...QUEUE.environment,
    ...environment(workerSettings(fleet, workerClass, context)),
    // A shell's variables are not meant for workers of another class.
    ...(isDefaultClass(workerClass) ? interpolated(workerClass) : workerVariables(workerClass)),
    TASKFLEET_IMAGE_TAG: variable(VARIABLE.imageTag),
  };
  const workload = {
    image: variable(VARIABLE.image),
    command: ["worker"],
    environment: variables,
    secrets: [...QUEUE.secrets, ...(context.hasSecrets ? [SECRET.handlers] : [])],
    volumes: [
      ...handlersMount(context),
      ...(fleet.history.enabled ? [volume(VOLUME.history, PATH.history)] : []),
      ...resultsMount(fleet),
    ],
    networks: [...QUEUE.networks, NETWORK.egress],
    depends_on: servers,
    healthcheck: ROLE_HEALTH,
    // The watcher counts why a worker ended, and starts another where one is wanted.
    restart: "no",
    init: true,
    stop_grace_period: `${workerClass.worker.gracefulShutdownTimeout + EXIT_MARGIN_SECONDS}s`,
    labels: handlersLabel(context),
  } as const;
  const hardening = hardenWorker(fleet.security, workerClass.gpu);
  const revision = { TASKFLEET_REVISION: revisionOf({ ...workload, ...hardening }) };
  const { gpu } = workerClass;
  return service(
    name,
    `Runs the tasks of ${workerClass.stream}${gpu > 0 ? `, with ${gpu} GPU${gpu > 1 ? "s" : ""} each` : ""}. ${SERVICE.watcher} starts and ends it.`,
    { ...workload, environment: { ...variables, ...revision } },
    hardening,
  );
}

/** What a spawner is told: the settings of its role, without what it would start workers with. */
function spawnerService(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  context: ComposeContext,
  record: RecordAccess,
): UnloggedService {
  const { spawner: name } = serviceNames(fleet, workerClass);
  return service(
    name,
    `Two, of which one leads: they take lost tasks of ${workerClass.stream} back and say how many workers there should be.`,
    {
      image: variable(VARIABLE.image),
      command: ["spawner"],
      environment: {
        ...QUEUE.environment,
        ...environment({ ...roleSettings(fleet, workerClass, "spawner"), ...handlersSetting(context) }),
        ...record.environment,
        TASKFLEET_IMAGE_TAG: variable(VARIABLE.imageTag),
      },
      secrets: [...QUEUE.secrets, ...record.secrets],
      volumes: [...handlersMount(context), ...resultsMount(fleet)],
      networks: [...QUEUE.networks, ...record.networks],
      depends_on: record.dependsOn,
      healthcheck: ROLE_HEALTH,
      restart: "unless-stopped",
      stop_grace_period: "30s",
      labels: handlersLabel(context),
    },
    hardenPart("spawner", { user: roleUser(fleet), memory: MEMORY.spawner, replicas: SPAWNERS }),
  );
}

/** How a role reaches the record, and what has to be there before it. */
export interface RecordAccess {
  readonly environment: Environment;
  readonly secrets: readonly string[];
  /** Beyond the queue's. */
  readonly networks: readonly string[];
  readonly dependsOn: DependsOn;
}

/** Spawners and workers of one class. */
export function classServices(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  context: ComposeContext,
  record: RecordAccess,
): readonly UnloggedService[] {
  return [
    workerService(fleet, workerClass, context, healthy(SERVICE.redis)),
    spawnerService(fleet, workerClass, context, record),
  ];
}
