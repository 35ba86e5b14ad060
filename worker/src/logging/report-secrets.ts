import { LOG_EVENTS } from "../../contract/log-events.ts";
import type { Secrets } from "../secrets/secrets.ts";
import type { Logger } from "./logger.ts";

/** Logs changes of secrets, by name, and sources that fail. */
export function reportSecrets(secrets: Secrets, logger: Logger): void {
  secrets.report({
    rotated: (name) => logger.info({ secret: name }, LOG_EVENTS.secretRotated),
    failed: (source, error) => {
      const why = error instanceof Error ? error.message : String(error);
      logger.warn({ source, why }, LOG_EVENTS.secretSource);
    },
  });
}
