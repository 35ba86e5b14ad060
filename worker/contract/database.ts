/** Names of what the record has in a database. A prefix keeps tenants of one database apart. */

/** What a prefix may be; the setting's range says it in words. */
export const TABLE_PREFIX = /^([a-z][a-z0-9_]{0,19})?$/;

export interface DatabaseNames {
  readonly activity: string;
  readonly log: string;
  readonly archive: string;
  readonly recorder: string;
  /** View for people: `SELECT status, COUNT(*) FROM runs GROUP BY status`. */
  readonly runs: string;
  readonly migrations: string;
  readonly migrationsLock: string;
}

/** Tables and view of the record. @throws RangeError for a prefix that is none. */
export function databaseNames(prefix: string): DatabaseNames {
  checkPrefix(prefix);
  return {
    activity: `${prefix}taskfleet_activity`,
    log: `${prefix}taskfleet_activity_log`,
    archive: `${prefix}taskfleet_activity_archive`,
    recorder: `${prefix}taskfleet_recorder`,
    runs: `${prefix}runs`,
    migrations: `${prefix}taskfleet_migrations`,
    migrationsLock: `${prefix}taskfleet_migrations_lock`,
  };
}

export interface DatabaseRoles {
  /** Owns every object. */
  readonly migrate: string;
  /** Reads and changes rows. */
  readonly app: string;
  /** Reads rows. */
  readonly backup: string;
}

/** The roles that `taskfleet db setup` makes. @throws RangeError for a prefix that is none. */
export function databaseRoles(prefix: string): DatabaseRoles {
  checkPrefix(prefix);
  return {
    migrate: `${prefix}taskfleet_migrate`,
    app: `${prefix}taskfleet_app`,
    backup: `${prefix}taskfleet_backup`,
  };
}

function checkPrefix(prefix: string): void {
  if (TABLE_PREFIX.test(prefix)) return;
  throw new RangeError(
    `TASKFLEET_TABLE_PREFIX: ${JSON.stringify(prefix)} is no prefix; up to 20 of a-z 0-9 _, a letter first, or nothing`,
  );
}
