import { TABLE_PREFIX } from "../../worker/contract/database.ts";
import { SETTINGS, type SettingName } from "../../worker/contract/settings.ts";
import { DEFAULTS } from "./defaults.ts";
import type { PortChoice } from "./resolve.ts";
import type { Section } from "./section.ts";
import {
  API_FIELDS,
  BACKUP_FIELDS,
  DATABASE_FIELDS,
  type ResolvedSection,
  SESSION_FIELDS,
} from "./setting-fields.ts";

export interface ResolvedDatabase extends ResolvedSection<typeof DATABASE_FIELDS> {
  readonly port: PortChoice;
  /** "" for none. */
  readonly tablePrefix: string;
}

export interface ResolvedApi extends ResolvedSection<typeof API_FIELDS> {
  readonly enabled: boolean;
  /** An address of this machine. */
  readonly host: string;
  readonly port: PortChoice;
  readonly sessions: ResolvedSection<typeof SESSION_FIELDS>;
}

const settingsOwn = (name: SettingName) => SETTINGS[name].default;

export interface ResolvedBackup extends ResolvedSection<typeof BACKUP_FIELDS> {
  readonly enabled: boolean;
  /** Absolute; "" for the stack's own. */
  readonly directory: string;
  /** "" for none. */
  readonly restore: string;
}

const ABSOLUTE = /^\/[^\p{Cc},]{0,1023}$/u;
/** IPv4 or IPv6. */
const ADDRESS = /^(?:(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}|(?=.*:)[0-9a-fA-F:]{2,39})$/;
const BACKUP_NAME = /^\d{8}T\d{6}Z$/;

/** `usual`: the port that is tried first where the section names none. */
export function resolvePort(section: Section, usual: number): PortChoice {
  const port = section.number("port", { min: 1, max: 65_535, unit: "port", whole: true }, undefined);
  return Object.freeze(port === undefined ? { kind: "preferred", port: usual } : { kind: "demanded", port });
}

export function resolveDatabase(section: Section): ResolvedDatabase {
  const database = {
    ...section.settings(DATABASE_FIELDS, settingsOwn),
    port: resolvePort(section, SETTINGS.pgPort.default),
    tablePrefix: section.text(
      "tablePrefix",
      TABLE_PREFIX,
      "up to 20 of a-z 0-9 _, a letter first",
      SETTINGS.tablePrefix.default,
    ),
  };
  section.finish();
  return Object.freeze(database);
}

function resolveSessions(section: Section): ResolvedApi["sessions"] {
  const sessions = section.settings(SESSION_FIELDS, settingsOwn);
  section.finish();
  return Object.freeze(sessions);
}

export function resolveApi(section: Section): ResolvedApi {
  const api = {
    ...section.settings(API_FIELDS, settingsOwn),
    enabled: section.flag("enabled", DEFAULTS.apiEnabled),
    host: section.text("host", ADDRESS, "an IP address", DEFAULTS.apiHost),
    port: resolvePort(section, SETTINGS.apiPort.default),
    sessions: resolveSessions(section.section("sessions")),
  };
  section.finish();
  return Object.freeze(api);
}

export function resolveBackup(section: Section): ResolvedBackup {
  const backup = {
    ...section.settings(BACKUP_FIELDS, settingsOwn),
    enabled: section.flag("enabled", DEFAULTS.backupEnabled),
    directory: section.text("directory", ABSOLUTE, "an absolute path", ""),
    restore: section.text("restore", BACKUP_NAME, "a backup's name, such as 20261128T093000Z", ""),
  };
  section.finish();
  return Object.freeze(backup);
}
