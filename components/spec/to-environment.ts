import { formatKindLimits } from "../../worker/contract/kind-limits.ts";
import { SETTINGS, type SettingName, type SettingRole } from "../../worker/contract/settings.ts";
import type { ResolvedClass, ResolvedFleet } from "./resolve.ts";
import {
  API_FIELDS,
  BACKUP_FIELDS,
  CIRCUIT_FIELDS,
  DATABASE_FIELDS,
  DELIVERY_FIELDS,
  EXECUTE_FIELDS,
  HISTORY_FIELDS,
  LOGGING_FIELDS,
  SCALING_FIELDS,
  SECURITY_FIELDS,
  SESSION_FIELDS,
  type SettingFields,
  TRACING_FIELDS,
  WORKER_FIELDS,
} from "./setting-fields.ts";

export type Environment = Readonly<Record<string, string>>;
export type SettingValues = Partial<
  Readonly<Record<SettingName, string | number | boolean | readonly string[]>>
>;

/** The variable that names the file which holds a secret setting's value. */
export function secretFileVariable(name: SettingName): string {
  return `${SETTINGS[name].env}_FILE`;
}

function encode(value: string | number | boolean | readonly string[]): string {
  return typeof value === "object" ? value.join(",") : String(value);
}

/** Settings as environment variables, sorted by name. A secret goes by file: see `secretFileVariable`. */
export function toEnvironment(values: SettingValues): Environment {
  const variables = Object.entries(values).map(([name, value]) => {
    const setting = SETTINGS[name as SettingName];
    if (setting.type === "secret") {
      throw new TypeError(`${setting.env} is a secret: hand it over in a file, named by ${setting.env}_FILE`);
    }
    return [setting.env, encode(value)] as const;
  });
  return Object.fromEntries(variables.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function fieldsToSettings(fields: SettingFields, section: object): SettingValues {
  const values = section as Readonly<Record<string, string | number | boolean>>;
  return Object.fromEntries(Object.entries(fields).map(([field, name]) => [name, values[field]]));
}

/** Nothing of what is off: the environment is as small as it was. */
function tracingSettings({ tracing, history }: ResolvedFleet): SettingValues {
  const { enabled, otlpEndpoint } = tracing;
  return {
    ...(enabled ? { tracing: true, ...fieldsToSettings(TRACING_FIELDS, tracing) } : {}),
    ...(enabled && otlpEndpoint !== "" ? { otlpEndpoint } : {}),
    ...(history.enabled ? fieldsToSettings(HISTORY_FIELDS, history) : {}),
  };
}

/** Nothing where results are in Redis, as they always were. */
function resultSettings({ results, resultDirectory }: ResolvedFleet["delivery"]): SettingValues {
  return {
    ...(results === "redis" ? {} : { resultBackEnd: results }),
    ...(resultDirectory === "" ? {} : { resultDirectory }),
  };
}

/** The fleet with a place for results' files, where it needs one and names none: the target's own. */
export function withResultDirectory(fleet: ResolvedFleet, directory: string): ResolvedFleet {
  const { delivery } = fleet;
  if (delivery.results !== "fs" || delivery.resultDirectory !== "") return fleet;
  return { ...fleet, delivery: { ...delivery, resultDirectory: directory } };
}

/** What the spec says to the processes of one class that have this role. */
export function classSettings(
  fleet: ResolvedFleet,
  workerClass: ResolvedClass,
  role: SettingRole,
): SettingValues {
  const all: SettingValues = {
    streams: [workerClass.stream],
    ...fieldsToSettings(WORKER_FIELDS, workerClass.worker),
    ...fieldsToSettings(DELIVERY_FIELDS, fleet.delivery),
    ...resultSettings(fleet.delivery),
    ...fieldsToSettings(SCALING_FIELDS, workerClass.scaling),
    ...fieldsToSettings(CIRCUIT_FIELDS, fleet.circuit),
    httpAllow: fleet.http.allow,
    ...fieldsToSettings(LOGGING_FIELDS, fleet.logging),
    ...tracingSettings(fleet),
    ...(fleet.limits.size === 0 ? {} : { kindLimits: formatKindLimits(fleet.limits) }),
    ...fieldsToSettings(DATABASE_FIELDS, fleet.database),
    ...(fleet.database.tablePrefix === "" ? {} : { tablePrefix: fleet.database.tablePrefix }),
    ...fieldsToSettings(API_FIELDS, fleet.api),
    ...fieldsToSettings(SESSION_FIELDS, fleet.api.sessions),
    ...fieldsToSettings(BACKUP_FIELDS, fleet.backup),
    ...fieldsToSettings(EXECUTE_FIELDS, fleet.execute),
    executeAcceptUnenforced: fleet.execute.acceptUnenforced,
    executeReadable: fleet.execute.readable,
    ...(fleet.execute.broker === "" ? {} : { sandboxBroker: fleet.execute.broker }),
    ...fieldsToSettings(SECURITY_FIELDS, fleet.security),
  };
  const forRole = Object.entries(all).filter(([name]) => {
    const roles: readonly SettingRole[] = SETTINGS[name as SettingName].roles;
    return roles.includes(role);
  });
  return Object.fromEntries(forRole);
}
