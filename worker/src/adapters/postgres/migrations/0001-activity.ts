import { databaseNames } from "../../../../contract/database.ts";
import type { SqlMigration } from "./index.ts";

/** Runs, their logs, the recorder's position, and the view that people read. */
export const activity: SqlMigration = {
  name: "0001-activity",
  sql: (prefix) => {
    const { activity, log, recorder, runs } = databaseNames(prefix);
    return `
CREATE TABLE ${activity} (
  queue text NOT NULL, id text NOT NULL, kind text NOT NULL,
  status text NOT NULL CHECK (status IN ('queued', 'running', 'success', 'error', 'cancelled', 'dead')),
  agent_id text NOT NULL, priority text NOT NULL DEFAULT 'normal',
  attempts int NOT NULL DEFAULT 0, deliveries int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL, due_at timestamptz, started_at timestamptz, finished_at timestamptz,
  updated_at timestamptz NOT NULL, worker_id text, handler_version text, image_tag text,
  reason text, message text, trace_id text, progress real,
  PRIMARY KEY (queue, id));
CREATE TABLE ${log} (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue text NOT NULL, activity_id text NOT NULL,
  at timestamptz NOT NULL, status text NOT NULL, attempt int, worker_id text, message text, progress real);
CREATE TABLE ${recorder} (
  queue text PRIMARY KEY, last_event text NOT NULL, rows bigint NOT NULL, updated_at timestamptz NOT NULL);
CREATE INDEX ix_${activity}_agent_id ON ${activity} (agent_id);
CREATE INDEX ix_${activity}_updated_at ON ${activity} (updated_at DESC);
CREATE INDEX ix_${activity}_open ON ${activity} (status, created_at) WHERE status IN ('queued', 'running');
CREATE INDEX ix_${log}_activity_id ON ${log} (activity_id);
CREATE INDEX ix_${log}_status ON ${log} (status);
CREATE VIEW ${runs} AS SELECT id, status, agent_id, created_at, started_at, kind, queue, attempts,
  finished_at, updated_at, worker_id, reason, message FROM ${activity};
CREATE FUNCTION ${runs}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'runs is a view of the record, which the queue does not read' USING ERRCODE = '55000',
    HINT = 'taskfleet runs reset --older-than 60m puts stuck runs back; it never touches one that is alive';
END $$;
-- Without the first a statement that meets no row would succeed; without the second none could be meant at all.
CREATE TRIGGER ${runs}_refuse BEFORE INSERT OR UPDATE OR DELETE ON ${runs}
  FOR EACH STATEMENT EXECUTE FUNCTION ${runs}_refuse();
CREATE TRIGGER ${runs}_refuse_row INSTEAD OF INSERT OR UPDATE OR DELETE ON ${runs}
  FOR EACH ROW EXECUTE FUNCTION ${runs}_refuse();`;
  },
};
