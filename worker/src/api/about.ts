/** Version of the API's routes and bodies: the first number grows with a change that old clients do not bear. */
export const VERSION = "1.0.0";

export const DESCRIPTION =
  "Pushes tasks to a fleet and looks after its queue. Times are milliseconds since the epoch, durations seconds. " +
  "Every error is a problem document (RFC 9457).";
