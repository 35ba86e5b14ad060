/** Log events of the sandbox broker; the `message` field of a record. */
export const BROKER_EVENTS = {
  ready: "sandbox_broker_ready",
  leftoversRemoved: "sandbox_broker_leftovers_removed",
  /** A request that is none. */
  refused: "sandbox_broker_request_refused",
  ended: "sandbox_broker_program_ended",
  /** A container could not be removed. */
  left: "sandbox_broker_container_left",
  signal: "sandbox_broker_signal_received",
  stopped: "sandbox_broker_stopped",
} as const;
