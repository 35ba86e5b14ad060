/** Log events of `watch-queue`; the `message` field of a record. */
export const WATCH_EVENTS = {
  starting: "watch_starting",
  leading: "watch_leading",
  standingBy: "watch_standing_by",
  scaled: "watch_scaled",
  started: "watch_containers_started",
  startsPaused: "watch_starts_paused",
  ended: "watch_container_ended",
  killed: "watch_containers_killed",
  failed: "watch_failed",
  recovered: "watch_recovered",
  signal: "watch_signal_received",
  stopped: "watch_stopped",
} as const;
