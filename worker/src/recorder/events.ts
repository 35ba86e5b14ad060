/** Log events of the record; the `message` field of a record. */
export const RECORD_EVENTS = {
  /** The database is away; events wait in Redis. */
  stalled: "record_stalled",
  /** The database is there and will not serve until somebody mends something; events wait in Redis. */
  loginRefused: "record_login_refused",
  caughtUp: "record_caught_up",
  /** Events were dropped, for more waited than the buffer holds. */
  gap: "record_gap",
  /** PostgreSQL refuses what one event tells. */
  refused: "record_refused",
  /** Events of a format that this version does not know. */
  unknown: "record_unknown",
  cleanedUp: "runs_cleaned_up",
  expired: "activities_expired",
} as const;
