import { databaseNames } from "../../../../contract/database.ts";
import type { SqlMigration } from "./index.ts";

/** Where old runs go by `TASKFLEET_RETENTION_MODE=archive`: a row as it was, its log inside. */
export const archive: SqlMigration = {
  name: "0002-archive",
  sql: (prefix) => {
    const { activity, archive } = databaseNames(prefix);
    return `
CREATE TABLE ${archive} (LIKE ${activity} INCLUDING DEFAULTS, log jsonb NOT NULL);
CREATE INDEX ix_${archive}_id ON ${archive} (queue, id);`;
  },
};
