import { type Check, failed, ok } from "../check.ts";

/** Workers that are stopped let their tasks finish. */
export const gracefulTimeout: Check = {
  id: "graceful-timeout",
  title: "Graceful shutdown timeout set",
  source: "production checklist",
  run: ({ fleet: { gracefulShutdownTimeout, source } }) =>
    gracefulShutdownTimeout > 0
      ? ok(`running tasks may finish for ${gracefulShutdownTimeout} s (${source})`)
      : failed(
          `running tasks are cut off at once (${source})`,
          "set TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT, 300 s by default",
        ),
};
