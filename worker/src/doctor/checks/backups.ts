import { type Check, skipped } from "../check.ts";

/** taskfleet makes no backups yet. */
export const backups: Check = {
  id: "backups",
  title: "Database backups automated",
  source: "production checklist",
  run: () => skipped("no backups are configured"),
};
