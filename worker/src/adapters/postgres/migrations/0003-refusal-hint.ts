import { databaseNames } from "../../../../contract/database.ts";
import type { SqlMigration } from "./index.ts";

/** The view's refusal names the command that does what an UPDATE was meant to do. */
export const refusalHint: SqlMigration = {
  name: "0003-refusal-hint",
  sql: (prefix) => {
    const { runs } = databaseNames(prefix);
    return `
CREATE OR REPLACE FUNCTION ${runs}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'runs is a view of the record, which the queue does not read' USING ERRCODE = '55000',
    HINT = 'taskfleet runs reset --older-than 60m puts stuck runs back and leaves alone what is alive; taskfleet cancel stops one';
END $$;`;
  },
};
