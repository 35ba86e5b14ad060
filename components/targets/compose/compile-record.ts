/** PostgreSQL and the command that makes roles and tables, or the addresses of a database elsewhere. */
import { databaseRoles } from "../../../worker/contract/database.ts";
import { POSTGRES_ADMIN } from "../../platform/postgres.ts";
import { CLIENT_RULES, postgresContainerScript } from "../../platform/postgres-container.ts";
import type { ProjectFile } from "../../platform/project-file.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { type Environment, secretFileVariable, toEnvironment } from "../../spec/to-environment.ts";
import { databaseCommand, inOrder, OUTSIDE_URLS, type OutsideUrl } from "../outside-urls.ts";
import { REFERENCES } from "../references.ts";
import type { RecordAccess } from "./compile-queue.ts";
import type { ComposeContext } from "./context.ts";
import { MEMORY, SERVER_USER } from "./footprints.ts";
import {
  NETWORK,
  PATH,
  PORT,
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
  loopbackPort,
  readOnlyBind,
  roleUser,
  service,
  volume,
} from "./parts.ts";
import { hardenPart } from "./profile.ts";
import type { UnloggedService } from "./service.ts";

/** The record's database in the stack's server. */
const DATABASE = "taskfleet";
const START_FILE = "postgres/start.sh";
const RULES_FILE = "postgres/pg_hba.conf";

type Recording = "none" | "own" | "elsewhere";

export function recordingOf({ recordRuns }: ResolvedFleet, { outsideDatabase }: ComposeContext): Recording {
  if (!recordRuns) return "none";
  return outsideDatabase === null ? "own" : "elsewhere";
}

function address(user: string, password: string, database: string): string {
  return `postgresql://${user}:${password}@${SERVICE.postgres}:${PORT.postgres}/${database}`;
}

/** Passwords, and addresses with one, by secret. */
export function recordSecrets(
  fleet: ResolvedFleet,
  context: ComposeContext,
): Partial<Readonly<Record<SecretName, string>>> {
  if (recordingOf(fleet, context) === "none") return {};
  if (context.outsideDatabase !== null)
    return Object.fromEntries(
      inOrder(context.outsideDatabase).map((name) => [OUTSIDE_URLS[name], REFERENCES[name]]),
    );
  const roles = databaseRoles(fleet.database.tablePrefix);
  return {
    [SECRET.postgresAdminPassword]: REFERENCES.postgresAdminPassword,
    [SECRET.postgresAppPassword]: REFERENCES.postgresAppPassword,
    [SECRET.databaseAdminUrl]: address(POSTGRES_ADMIN, REFERENCES.postgresAdminPassword, "postgres"),
    [SECRET.databaseMigrateUrl]: address(roles.migrate, REFERENCES.postgresMigratePassword, DATABASE),
    [SECRET.databaseBackupUrl]: address(roles.backup, REFERENCES.postgresBackupPassword, DATABASE),
  };
}

/** As the application's role; a role of the worker image that keeps the record, or reads it. */
function appEnvironment(fleet: ResolvedFleet, recording: Recording): Environment {
  if (recording === "elsewhere")
    return { [secretFileVariable("databaseUrl")]: secretPath(SECRET.databaseUrl) };
  const { app } = databaseRoles(fleet.database.tablePrefix);
  return {
    ...environment({ pgHost: SERVICE.postgres, pgPort: PORT.postgres, pgUser: app, pgDatabase: DATABASE }),
    [secretFileVariable("pgPassword")]: secretPath(SECRET.postgresAppPassword),
  };
}

/** What spawners and the API get of the record, and wait for. */
export function recordAccess(fleet: ResolvedFleet, context: ComposeContext): RecordAccess {
  const restored = fleet.backup.restore === "" ? {} : done(SERVICE.restore);
  const recording = recordingOf(fleet, context);
  if (recording === "none")
    return {
      environment: {},
      secrets: [],
      networks: [],
      dependsOn: { ...healthy(SERVICE.redis), ...restored },
    };
  return {
    environment: appEnvironment(fleet, recording),
    secrets: [recording === "own" ? SECRET.postgresAppPassword : SECRET.databaseUrl],
    networks: recording === "own" ? [] : [NETWORK.egress],
    dependsOn: { ...healthy(SERVICE.redis), ...done(SERVICE.databaseSetup), ...restored },
  };
}

export function recordFiles(fleet: ResolvedFleet, context: ComposeContext): readonly ProjectFile[] {
  if (recordingOf(fleet, context) !== "own") return [];
  const content = postgresContainerScript({
    port: PORT.postgres,
    directory: PATH.postgres,
    passwordFile: secretPath(SECRET.postgresAdminPassword),
    rulesFile: PATH.postgresRules,
  });
  return [
    { path: START_FILE, content, mode: "0444" },
    { path: RULES_FILE, content: CLIENT_RULES, mode: "0444" },
  ];
}

function server(fleet: ResolvedFleet, { images }: ComposeContext): UnloggedService {
  return service(
    SERVICE.postgres,
    "The record of runs. Reached from this machine alone, with a password; without TLS, for it stays inside.",
    {
      image: images.postgres,
      entrypoint: ["/bin/sh", PATH.postgresStart],
      secrets: [SECRET.postgresAdminPassword],
      volumes: [
        readOnlyBind(`./${START_FILE}`, PATH.postgresStart),
        readOnlyBind(`./${RULES_FILE}`, PATH.postgresRules),
        volume(VOLUME.postgres, PATH.postgres),
      ],
      networks: [NETWORK.queue, NETWORK.front],
      ports: [loopbackPort(fleet.database.port.port, PORT.postgres)],
      // After a crash it goes through its log of writes first.
      healthcheck: {
        test: ["CMD", "/bin/sh", PATH.postgresStart, "health"],
        interval: "5s",
        timeout: "5s",
        start_period: "300s",
        retries: 3,
      },
      restart: "unless-stopped",
      // PostgreSQL's "fast shutdown": open transactions are rolled back.
      stop_signal: "SIGINT",
      stop_grace_period: "60s",
      shm_size: "128m",
    },
    hardenPart("postgres", { user: SERVER_USER.postgres, memory: MEMORY.postgres }),
  );
}

const OWN_URLS: readonly OutsideUrl[] = ["databaseMigrateUrl", "databaseBackupUrl", "databaseAdminUrl"];

/** Makes what is missing of roles and tables, for this version of the worker; then it ends. */
function setup(fleet: ResolvedFleet, context: ComposeContext, recording: Recording): UnloggedService {
  const { tablePrefix } = fleet.database;
  const urls = recording === "own" ? OWN_URLS : inOrder(context.outsideDatabase ?? []);
  const access = recordAccess(fleet, context);
  const files = urls.map((name) => [secretFileVariable(name), secretPath(OUTSIDE_URLS[name])]);
  const secrets = new Set([...access.secrets, ...urls.map((name) => OUTSIDE_URLS[name])]);
  return service(
    SERVICE.databaseSetup,
    "Makes the record's roles and tables where they are missing, and ends.",
    {
      image: variable(VARIABLE.image),
      command: ["db", recording === "own" ? "setup" : databaseCommand(urls)],
      environment: {
        ...toEnvironment(tablePrefix === "" ? {} : { tablePrefix }),
        ...access.environment,
        ...Object.fromEntries(files),
        // Another image is another container, and so it runs again.
        TASKFLEET_IMAGE_TAG: variable(VARIABLE.imageTag),
      },
      secrets: [...secrets],
      networks: recording === "own" ? [NETWORK.queue] : [NETWORK.egress],
      ...(recording === "own" ? { depends_on: healthy(SERVICE.postgres) } : {}),
      healthcheck: { disable: true },
      restart: "no",
    },
    hardenPart("command", { user: roleUser(fleet), memory: MEMORY.command }),
  );
}

/** None where runs are not recorded. */
export function recordServices(fleet: ResolvedFleet, context: ComposeContext): readonly UnloggedService[] {
  const recording = recordingOf(fleet, context);
  if (recording === "none") return [];
  const made = setup(fleet, context, recording);
  return recording === "own" ? [server(fleet, context), made] : [made];
}
