import type { ResolvedFleet } from "../../spec/resolve.ts";
import { type Environment, secretFileVariable } from "../../spec/to-environment.ts";
import { redisMemory } from "./compile-queue.ts";
import { recordingOf } from "./compile-record.ts";
import type { ComposeContext } from "./context.ts";
import { MEMORY } from "./footprints.ts";
import {
  NETWORK,
  PATH,
  SECRET,
  SERVICE,
  type SecretName,
  secretPath,
  VARIABLE,
  VOLUME,
  variable,
} from "./names.ts";
import {
  done,
  environment,
  healthy,
  QUEUE,
  ROLE_HEALTH,
  roleSettings,
  roleUser,
  service,
  streamsOf,
  volume,
  writableBind,
} from "./parts.ts";
import { hardenPart } from "./profile.ts";
import type { DependsOn, Mount, UnloggedService } from "./service.ts";

/** A volume of the project, or the spec's own folder on the engine's host. */
function store({ backup: { directory } }: ResolvedFleet): Mount {
  if (directory === "") return volume(VOLUME.backups, PATH.backups);
  return writableBind(directory, PATH.backups);
}

/** Of a database elsewhere only those roles are there whose addresses the config has. */
function urlOf(
  name: "databaseBackupUrl" | "databaseMigrateUrl",
  fleet: ResolvedFleet,
  context: ComposeContext,
): readonly SecretName[] {
  const recording = recordingOf(fleet, context);
  const there = recording === "own" || (recording === "elsewhere" && context.outsideDatabase?.includes(name));
  return there === true ? [SECRET[name]] : [];
}

function settingsOf(fleet: ResolvedFleet, backupUrls: readonly SecretName[]): Environment {
  const settings = {
    ...roleSettings(fleet, fleet.classes[0], "backup"),
    streams: streamsOf(fleet),
    backupDirectory: PATH.backups,
  };
  const urls = backupUrls.map((name) => [secretFileVariable("databaseBackupUrl"), secretPath(name)]);
  return { ...QUEUE.environment, ...environment(settings), ...Object.fromEntries(urls) };
}

const networksOf = (fleet: ResolvedFleet, context: ComposeContext) =>
  recordingOf(fleet, context) === "elsewhere" ? [...QUEUE.networks, NETWORK.egress] : QUEUE.networks;

const servers = (fleet: ResolvedFleet, context: ComposeContext): DependsOn => ({
  ...healthy(SERVICE.redis),
  ...(recordingOf(fleet, context) === "none" ? {} : done(SERVICE.databaseSetup)),
});

const who = (fleet: ResolvedFleet) => ({ user: roleUser(fleet), memory: MEMORY.backup + redisMemory(fleet) });

function upkeep(fleet: ResolvedFleet, context: ComposeContext): UnloggedService {
  const urls = urlOf("databaseBackupUrl", fleet, context);
  return service(
    SERVICE.backup,
    "Makes backups of queue and record. The one service that may read the whole record.",
    {
      image: variable(VARIABLE.backupImage),
      command: ["backup", "run"],
      environment: settingsOf(fleet, urls),
      secrets: [...QUEUE.secrets, ...urls],
      volumes: [store(fleet)],
      networks: networksOf(fleet, context),
      depends_on: servers(fleet, context),
      healthcheck: ROLE_HEALTH,
      restart: "unless-stopped",
      // A backup that is being made is taken away.
      stop_grace_period: "30s",
    },
    hardenPart("backup", who(fleet)),
  );
}

/** Fills new, empty servers from a backup, before anybody uses them. */
function restore(fleet: ResolvedFleet, context: ComposeContext): UnloggedService {
  const backupUrls = urlOf("databaseBackupUrl", fleet, context);
  const urls = urlOf("databaseMigrateUrl", fleet, context);
  const targets = urls.map((name) => ["TASKFLEET_RESTORE_DATABASE_URL_FILE", secretPath(name)]);
  return service(
    SERVICE.restore,
    `Fills empty servers from backup ${fleet.backup.restore}, and ends. Others wait for it.`,
    {
      image: variable(VARIABLE.backupImage),
      command: ["backup", "restore", fleet.backup.restore, "--if-empty"],
      environment: {
        ...settingsOf(fleet, backupUrls),
        TASKFLEET_RESTORE_REDIS_URL: QUEUE.environment.REDIS_URL ?? "",
        TASKFLEET_RESTORE_REDIS_PASSWORD_FILE: secretPath(SECRET.redisPassword),
        ...Object.fromEntries(targets),
      },
      secrets: [...QUEUE.secrets, ...backupUrls, ...urls],
      volumes: [store(fleet)],
      networks: networksOf(fleet, context),
      depends_on: servers(fleet, context),
      healthcheck: { disable: true },
      restart: "no",
    },
    hardenPart("backup", who(fleet)),
  );
}

export function backupServices(fleet: ResolvedFleet, context: ComposeContext): readonly UnloggedService[] {
  return [
    ...(fleet.backup.restore === "" ? [] : [restore(fleet, context)]),
    ...(fleet.backup.enabled ? [upkeep(fleet, context)] : []),
  ];
}
