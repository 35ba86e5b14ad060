import { type Check, failed, ok } from "../check.ts";

/** Logs are one JSON object a line, or logfmt, which programs read as well. */
export const structuredLogging: Check = {
  id: "logging",
  title: "Structured logging configured",
  source: "production checklist",
  run: ({ fleet: { logFormat, logJson, source } }) => {
    const format = logFormat === "auto" ? (logJson ? "json" : "people") : logFormat;
    if (format !== "people") return ok(`logs are ${format} (${source})`);
    const wayOut = logFormat === "people" ? "set LOG_FORMAT to json" : "unset LOG_JSON, or set it to 1";
    return failed(`logs are text for people (${source})`, wayOut);
  },
};
