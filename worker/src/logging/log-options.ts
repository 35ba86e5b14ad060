import type { Settings } from "../config/load-settings.ts";
import type { LogOptions } from "./logger.ts";

type LogSettings = Pick<Settings, "logJson" | "logLevel" | "logHandlers" | "logFormat" | "logFields">;

/** How a role logs, as its settings say. */
export function logOptions(
  settings: LogSettings,
): Pick<LogOptions, "json" | "level" | "handlers" | "format" | "renames"> {
  return {
    json: settings.logJson,
    level: settings.logLevel,
    handlers: settings.logHandlers,
    format: settings.logFormat,
    renames: settings.logFields,
  };
}
