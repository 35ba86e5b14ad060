import { activity } from "./0001-activity.ts";
import { archive } from "./0002-archive.ts";
import { refusalHint } from "./0003-refusal-hint.ts";

/** A step of the schema. It is never changed once released: a change is a further step. */
export interface SqlMigration {
  readonly name: string;
  /** Statements, for tables of this prefix. */
  readonly sql: (prefix: string) => string;
}

/** All steps, in their order. */
export const MIGRATIONS: readonly SqlMigration[] = [activity, archive, refusalHint];
