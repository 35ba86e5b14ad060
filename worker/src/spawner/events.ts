/** Log events of the spawner; the `message` field of a record. */
export const SPAWNER_EVENTS = {
  starting: "spawner_starting",
  leading: "spawner_leading",
  standingBy: "spawner_standing_by",
  kindsPublished: "spawner_kinds_published",
  scaled: "spawner_scaled",
  startsPaused: "spawner_starts_paused",
  reclaimed: "spawner_reclaimed",
  reaped: "spawner_reaped",
  resultsExpired: "spawner_results_expired",
  loopFailed: "spawner_loop_failed",
  loopRecovered: "spawner_loop_recovered",
  signal: "spawner_signal_received",
  stopped: "spawner_stopped",
} as const;
