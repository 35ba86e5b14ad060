import { createHash } from "node:crypto";
import { join } from "node:path";
import { describeControls } from "../../../worker/contract/controls.ts";
import { HISTORY_PATH } from "../../../worker/contract/history.ts";
import type { HostFile, ProcessInputs } from "../../hosts/process-inputs.ts";
import { redisConfig } from "../../platform/redis.ts";
import { DEFAULTS } from "../../spec/defaults.ts";
import { DEFAULT_CLASS, type ResolvedClass, type ResolvedFleet } from "../../spec/resolve.ts";
import {
  classSettings,
  type Environment,
  type SettingValues,
  toEnvironment,
  withResultDirectory,
} from "../../spec/to-environment.ts";
import { formatDuration } from "../../spec/units.ts";
import { refuseUnsupported } from "../capabilities.ts";
import { clientSettings } from "../client-settings.ts";
import { envFile, PRIVATE } from "../env-file.ts";
import { REFERENCES } from "../references.ts";
import { refuseReplicated } from "../replica.ts";
import type { Target } from "../target.ts";
import { compileApi } from "./compile-api.ts";
import { backupDirectory, compileBackup, compileRestore } from "./compile-backup.ts";
import { compileDatabase, databaseEnvironment } from "./compile-database.ts";
import { confinementSettings } from "./confinement.ts";
import type { LocalClass, LocalContext, LocalDocument } from "./document.ts";
import { redisPasswordFile } from "./files.ts";
import { compileOutside } from "./outside-database.ts";
import { compileOutsideRedis, redisLoginOf, redisUrlOf } from "./outside-redis.ts";

/** Two, so that one succeeds the other within the leader's lease. */
const SPAWNERS = ["a", "b"] as const;
/** Redis loads its data first, which takes seconds a gigabyte. */
const REDIS_READY_SECONDS = 300;
const REDIS_STOP_SECONDS = 60;
const SPAWNER_READY_SECONDS = 60;
const SPAWNER_STOP_SECONDS = 30;
/** Beyond the workers' own time to finish: to hand tasks back and record the exit. */
const EXIT_MARGIN_SECONDS = 15;

/** What programs on this machine need to push tasks and read results. */
function clientEnvironment(fleet: ResolvedFleet, context: LocalContext): Environment {
  const settings: SettingValues = {
    ...clientSettings(fleet),
    redisUrl: context.outsideRedis === null ? "redis://127.0.0.1:{port}" : context.outsideRedis.url,
    logDirectory: context.paths.logs,
    backupDirectory: backupDirectory(fleet, context),
    // A # would start a comment in a file of variables.
    controls: JSON.stringify(context.controls).replaceAll("#", "\\u0023"),
  };
  return { ...toEnvironment(settings), ...redisLoginOf(context) };
}

/** Of results that are kept as files. */
const resultDirectory = ({ paths }: LocalContext) => join(paths.directory, "results");

function redisProcess(fleet: ResolvedFleet, context: LocalContext): ProcessInputs | null {
  if (context.outsideRedis !== null) return null;
  const { paths, redisServer, deleteData } = context;
  const configFile = join(paths.redis, "redis.conf");
  const dataDirectory = join(paths.redis, "data");
  const config = redisConfig({
    port: "{port}",
    bind: "127.0.0.1",
    dataDirectory,
    maxMemory: fleet.redis.maxMemory,
    passwordHash: REFERENCES.redisPasswordHash,
  });
  const files: readonly HostFile[] = [
    { path: configFile, content: config, mode: PRIVATE },
    { path: redisPasswordFile(context), content: REFERENCES.redisPassword, mode: PRIVATE },
    { path: paths.clientEnv, content: envFile(clientEnvironment(fleet, context)), mode: PRIVATE },
  ];
  return {
    name: "redis",
    directory: paths.redis,
    command: redisServer,
    args: [configFile],
    environment: {},
    files,
    port: fleet.redis.port,
    ready: { kind: "redis", passwordFile: redisPasswordFile(context), timeoutSeconds: REDIS_READY_SECONDS },
    stop: { signal: "SIGTERM", timeoutSeconds: REDIS_STOP_SECONDS },
    log: join(paths.logs, "redis.log"),
    data: [dataDirectory],
    deleteData,
  };
}

const imageTag = ({ bundle }: LocalContext) => `bundle:${bundle.digest}`;

function lostTasks({ delivery: { lease, sweepInterval } }: ResolvedFleet): string {
  // In whole ms, so that 1.1 and 2.2 add up to 3.3.
  const atMost = Math.round((lease + sweepInterval) * 1000) / 1000;
  const parts = `lease ${formatDuration(lease)} + sweep ${formatDuration(sweepInterval)}`;
  return `taken back within ${formatDuration(atMost)} (${parts})`;
}

/** One file of the project's for all its stacks: each line names its queue. */
function historySettings({ history }: ResolvedFleet, { root }: LocalContext): SettingValues {
  return history.enabled ? { history: join(root, HISTORY_PATH) } : {};
}

/** One file for all handlers: who reads it is told only the names that it requires. */
function secretsFile({ hasSecrets, paths }: LocalContext): HostFile | null {
  if (!hasSecrets) return null;
  return { path: join(paths.secrets, "handlers.json"), content: REFERENCES.handlerSecrets, mode: PRIVATE };
}

/** The config's own secrets count before those of other sources. */
function secretSettings({ secrets }: ResolvedFleet, context: LocalContext): SettingValues {
  const file = secretsFile(context);
  const secretSources = [...(file === null ? [] : [`file:${file.path}`]), ...secrets.sources];
  return secretSources.length === 0 ? {} : { secretSources, secretRefresh: secrets.refresh };
}

/** What is the same for all processes of a class. */
function commonSettings(fleet: ResolvedFleet, context: LocalContext): SettingValues {
  return {
    ...secretSettings(fleet, context),
    ...historySettings(fleet, context),
    redisUrl: redisUrlOf(context),
    imageTag: imageTag(context),
    ...confinementSettings(fleet, context),
  };
}

/** The address is Redis' alone to say: healing may have to move it to another port. */
function revisionOf(fleet: ResolvedFleet, workerClass: ResolvedClass, context: LocalContext): string {
  const settings = {
    ...commonSettings(fleet, context),
    ...classSettings(fleet, workerClass, "worker"),
  };
  const started = [context.node, context.handlersDigest, envFile(toEnvironment(settings))];
  const hash = createHash("sha256").update(started.join("\n")).digest("hex").slice(0, 16);
  return context.outsideRedis === null ? `${hash}-${REFERENCES.redisAddress}` : hash;
}

function spawnerProcess(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  context: LocalContext,
  own: {
    readonly name: string;
    readonly port: number;
    readonly runDirectory: string;
    readonly revision: string;
  },
): ProcessInputs {
  const { paths, node, bundle } = context;
  const settings: SettingValues = {
    ...commonSettings(fleet, context),
    ...classSettings(fleet, workerClass, "worker"),
    ...classSettings(fleet, workerClass, "spawner"),
    httpPort: "{port}",
    actuator: "process",
    runDirectory: own.runDirectory,
    logDirectory: paths.logs,
    revision: own.revision,
  };
  return {
    name: own.name,
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "spawner"],
    startCheck: [join(bundle.directory, "main.mjs"), "spawner", "--check"],
    environment: {
      ...toEnvironment(settings),
      ...databaseEnvironment(fleet, context, REFERENCES.postgresPort),
      ...redisLoginOf(context),
    },
    files: [],
    port: { kind: "preferred", port: own.port },
    ready: { kind: "http", path: "/health/ready", timeoutSeconds: SPAWNER_READY_SECONDS },
    stop: { signal: "SIGTERM", timeoutSeconds: SPAWNER_STOP_SECONDS },
    log: join(paths.logs, `${own.name}.log`),
    data: [],
    deleteData: false,
  };
}

function compileClass(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  index: number,
  context: LocalContext,
): LocalClass {
  const { name, stream, worker } = workerClass;
  const suffix = name === DEFAULT_CLASS ? "" : `-${name}`;
  const runDirectory = `${context.paths.run}${suffix}`;
  const revision = revisionOf(fleet, workerClass, context);
  const firstPort = DEFAULTS.spawnerPort + index * SPAWNERS.length;
  const spawners = SPAWNERS.map((letter, place) =>
    spawnerProcess(fleet, workerClass, context, {
      name: `spawner${suffix}-${letter}`,
      port: firstPort + place,
      runDirectory,
      revision,
    }),
  );
  const stopTimeoutSeconds = worker.gracefulShutdownTimeout + EXIT_MARGIN_SECONDS;
  return {
    name,
    stream,
    revision,
    workers: { name: `workers${suffix}`, directory: runDirectory, stopTimeoutSeconds },
    spawners,
  };
}

/** The fleet as processes of this machine: Redis, PostgreSQL, the API, and two spawners per worker class. */
export const local: Target<LocalContext, LocalDocument> = {
  name: "local",
  compile(written, context) {
    const fleet = withResultDirectory(written, resultDirectory(context));
    refuseUnsupported(fleet, "local", context.controls);
    if (context.outsideRedis === null)
      refuseReplicated(fleet, "Remove the field, or set taskfleet:redisUrl to a Redis that has one.");
    return {
      redis: redisProcess(fleet, context),
      outsideRedis: compileOutsideRedis(fleet, context, envFile(clientEnvironment(fleet, context))),
      database: compileDatabase(fleet, context),
      outsideDatabase:
        fleet.recordRuns && context.outsideDatabase !== null ? compileOutside(fleet, context) : null,
      api: compileApi(fleet, context),
      secrets: secretsFile(context),
      backup: compileBackup(fleet, context),
      restore: compileRestore(fleet, context),
      classes: fleet.classes.map((workerClass, index) => compileClass(fleet, workerClass, index, context)),
      imageTag: imageTag(context),
      lostTasks: lostTasks(fleet),
      controls: describeControls(context.controls),
    };
  },
};
