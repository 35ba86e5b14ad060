/** The API's log events; the `message` field of a record. */
export const API_EVENTS = {
  starting: "api_starting",
  request: "api_request",
  /** An error that is nobody's fault but ours. */
  failed: "api_failed",
  signal: "api_signal_received",
  stopped: "api_stopped",
} as const;
