/** Log events by name; the `message` field of a record. Names of the worker-pool runbook are kept. */
export const LOG_EVENTS = {
  starting: "worker_pool_starting",
  /** What runs untrusted programs, and what it cannot enforce here. */
  sandbox: "sandbox_ready",
  /** Untrusted programs are refused, for this reason. */
  noSandbox: "sandbox_unavailable",
  skills: "skills_initialized",
  dispatched: "run_dispatched",
  /** An attempt did not succeed. */
  failed: "run_failed",
  poll: "worker_pool_poll",
  pollError: "worker_pool_poll_error",
  signal: "worker_pool_signal_received",
  shuttingDown: "worker_pool_shutting_down",
  stopped: "worker_pool_stopped",
  /** An attempt ended after its task had been taken back; the queue refused the end. */
  lateOutcome: "late_outcome_refused",
  /** A back end could not keep a result, such as on a full disk; at most every 10 s. */
  resultUnsaved: "result_unsaved",
  /** Limits of kinds that no handler here runs. */
  unknownLimits: "limits_of_unknown_kinds",
  /** A circuit breaker opened, or closed again. */
  circuit: "circuit_changed",
  /** A secret's value became another, by its date or in its source. */
  secretRotated: "secret_rotated",
  /** Secrets cannot be read any more; those read before still count. */
  secretSource: "secret_source_failed",
  /** The log could not be written for a while, and so many lines are lost. */
  linesDropped: "log_lines_dropped",
  /** Lines of the history of executions that could not be written, at most once a minute. */
  historyLost: "execution_history_lost",
  /** Where spans go, at the start. */
  tracing: "tracing_on",
  /** Spans that no receiver took, at most once a minute. */
  spansDropped: "trace_spans_dropped",
} as const;
