import { count } from "../../cli/output/units.ts";
import { type Check, failed, ofDatabase, ok } from "../check.ts";

/** All migrations of the record are applied. */
export const migrations: Check = {
  id: "migrations",
  title: "Alembic migrations configured for agentexec tables",
  source: "production checklist",
  run: (facts) =>
    ofDatabase(facts, ({ pendingMigrations: pending }) =>
      pending.length === 0
        ? ok("all migrations of the record's tables are applied")
        : failed(
            `${count(pending.length, "migration")} to apply: ${pending.join(", ")}`,
            "taskfleet db migrate",
          ),
    ),
};
