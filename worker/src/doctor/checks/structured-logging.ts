import { type Check, failed, ok } from "../check.ts";

/** Logs are one JSON object a line. */
export const structuredLogging: Check = {
  id: "logging",
  title: "Structured logging configured",
  source: "production checklist",
  run: ({ fleet: { logJson, source } }) =>
    logJson
      ? ok(`JSON logs (${source})`)
      : failed(`logs are text for people (${source})`, "unset LOG_JSON, or set it to 1"),
};
