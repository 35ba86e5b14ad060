/** How programs on this machine reach the stack's queue, record, API and project: files of variables, as on `local`. */
import { join } from "node:path";
import { databaseRoles } from "../../../worker/contract/database.ts";
import type { ComposeHost } from "../../hosts/compose/project-inputs.ts";
import type { HostFile } from "../../hosts/process-inputs.ts";
import { POSTGRES_ADMIN } from "../../platform/postgres.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import { type Environment, secretFileVariable, toEnvironment } from "../../spec/to-environment.ts";
import { clientSettings } from "../client-settings.ts";
import { envFile, PRIVATE } from "../env-file.ts";
import { inOrder, OUTSIDE_URLS, type OutsideUrl } from "../outside-urls.ts";
import { REFERENCES } from "../references.ts";
import { dockerHost, hostName } from "./host.ts";
import { SECRET } from "./names.ts";

/** Where a stack keeps them, absolute. */
export interface ClientPaths {
  readonly clientEnv: string;
  readonly databaseEnv: string;
  readonly apiEnv: string;
  readonly secrets: string;
}

export interface ClientContext {
  readonly paths: ClientPaths;
  readonly project: string;
  /** The project's folder, where its host is this machine. */
  readonly directory: string;
  readonly host: ComposeHost;
  readonly outsideDatabase: readonly OutsideUrl[] | null;
}

/** Servers are published there; of a host elsewhere a tunnel leads to it. */
const LOOPBACK = "127.0.0.1";
const DATABASE = "taskfleet";

type Secrets = Readonly<Record<string, string>>;

interface Part {
  readonly file: string;
  readonly variables: Environment;
  /** By file name. */
  readonly secrets: Secrets;
}

const secretFiles = ({ paths }: ClientContext, names: Partial<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(names).map(([variable, name]) => [variable, join(paths.secrets, name ?? "")]),
  );

function composeVariables({ project, directory, host }: ClientContext): Environment {
  if (host.kind === "ssh") return { COMPOSE_PROJECT_NAME: project, DOCKER_HOST: dockerHost(host) };
  return { COMPOSE_FILE: join(directory, "compose.yaml"), COMPOSE_PROJECT_NAME: project };
}

function queuePart(fleet: ResolvedFleet, context: ClientContext): Part {
  const settings = { ...clientSettings(fleet), redisUrl: `redis://${LOOPBACK}:${fleet.redis.port.port}` };
  return {
    file: context.paths.clientEnv,
    variables: {
      ...toEnvironment(settings),
      ...secretFiles(context, { [secretFileVariable("redisPassword")]: SECRET.redisPassword }),
      ...composeVariables(context),
    },
    secrets: { [SECRET.redisPassword]: REFERENCES.redisPassword },
  };
}

function upkeep({ database: { retention, retentionMode, tablePrefix } }: ResolvedFleet): Environment {
  return toEnvironment({ retention, retentionMode, ...(tablePrefix === "" ? {} : { tablePrefix }) });
}

function outsidePart(fleet: ResolvedFleet, context: ClientContext, urls: readonly OutsideUrl[]): Part {
  const given = inOrder(urls);
  const names = Object.fromEntries(given.map((name) => [secretFileVariable(name), OUTSIDE_URLS[name]]));
  return {
    file: context.paths.databaseEnv,
    variables: { ...secretFiles(context, names), ...upkeep(fleet) },
    secrets: Object.fromEntries(given.map((name) => [OUTSIDE_URLS[name], REFERENCES[name]])),
  };
}

function ownDatabasePart(fleet: ResolvedFleet, context: ClientContext): Part {
  const { port } = fleet.database.port;
  const roles = databaseRoles(fleet.database.tablePrefix);
  const url = (user: string, password: string, database: string) =>
    `postgresql://${user}:${password}@${LOOPBACK}:${port}/${database}`;
  const names = {
    [secretFileVariable("pgPassword")]: SECRET.postgresAppPassword,
    [secretFileVariable("databaseAdminUrl")]: SECRET.databaseAdminUrl,
    [secretFileVariable("databaseMigrateUrl")]: SECRET.databaseMigrateUrl,
    [secretFileVariable("databaseBackupUrl")]: SECRET.databaseBackupUrl,
  };
  return {
    file: context.paths.databaseEnv,
    variables: {
      ...toEnvironment({ pgHost: LOOPBACK, pgPort: port, pgUser: roles.app, pgDatabase: DATABASE }),
      ...secretFiles(context, names),
      ...upkeep(fleet),
    },
    secrets: {
      [SECRET.postgresAppPassword]: REFERENCES.postgresAppPassword,
      [SECRET.databaseAdminUrl]: url(POSTGRES_ADMIN, REFERENCES.postgresAdminPassword, "postgres"),
      [SECRET.databaseMigrateUrl]: url(roles.migrate, REFERENCES.postgresMigratePassword, DATABASE),
      [SECRET.databaseBackupUrl]: url(roles.backup, REFERENCES.postgresBackupPassword, DATABASE),
    },
  };
}

/** The API is the one port that the network reaches. */
export function apiUrl({ api }: ResolvedFleet, host: ComposeHost): string {
  const everywhere = ["0.0.0.0", "::"].includes(api.host);
  const here = host.kind === "ssh" ? hostName(host) : LOOPBACK;
  const name = everywhere ? here : api.host;
  return `http://${name.includes(":") && !name.startsWith("[") ? `[${name}]` : name}:${api.port.port}`;
}

function apiPart(fleet: ResolvedFleet, context: ClientContext): Part {
  return {
    file: context.paths.apiEnv,
    variables: {
      ...toEnvironment({ apiUrl: apiUrl(fleet, context.host) }),
      ...secretFiles(context, { [secretFileVariable("apiKey")]: SECRET.apiKey }),
    },
    secrets: { [SECRET.apiKey]: REFERENCES.apiKey },
  };
}

/** By a name of each. Texts may hold references, see `components/targets/references.ts`. */
export function clientFiles(
  fleet: ResolvedFleet,
  context: ClientContext,
): Readonly<Record<string, HostFile>> {
  const { outsideDatabase } = context;
  const parts: Readonly<Record<string, Part>> = {
    client: queuePart(fleet, context),
    ...(fleet.recordRuns
      ? {
          database:
            outsideDatabase === null
              ? ownDatabasePart(fleet, context)
              : outsidePart(fleet, context, outsideDatabase),
        }
      : {}),
    ...(fleet.api.enabled ? { api: apiPart(fleet, context) } : {}),
  };
  const files = Object.entries(parts).flatMap(([name, { file, variables, secrets }]) => [
    [`${name}-env`, { path: file, content: envFile(variables), mode: PRIVATE }] as const,
    ...Object.entries(secrets).map(
      ([secret, content]) =>
        [secret, { path: join(context.paths.secrets, secret), content, mode: PRIVATE }] as const,
    ),
  ]);
  return Object.fromEntries(files);
}
