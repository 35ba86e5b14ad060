/** The API's log events; the `message` field of a record. */
export const API_EVENTS = {
  starting: "api_starting",
  request: "api_request",
  /** An error that is nobody's fault but ours. */
  failed: "api_failed",
  sessionOpened: "api_session_opened",
  sessionClosed: "api_session_closed",
  signal: "api_signal_received",
  stopped: "api_stopped",
} as const;
