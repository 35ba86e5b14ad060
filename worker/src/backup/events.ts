/** Log events of the role `backup run`; the `message` field of a record. */
export const BACKUP_EVENTS = {
  starting: "backup_starting",
  made: "backup_made",
  failed: "backup_failed",
  removed: "backups_removed",
  /** Old backups could not be removed; it is tried again. */
  pruneFailed: "backup_prune_failed",
  /** The fleet could not be told of a backup's end; the backup itself is as its own line says. */
  noteFailed: "backup_note_failed",
  signal: "backup_signal_received",
  stopped: "backup_stopped",
} as const;
