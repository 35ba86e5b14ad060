/** Turns a log line, JSON as all roles write it and without secrets, into what a handler wants. */
import type { LogFormat } from "./handlers.ts";

/** A line with its end in, a line with its end out. */
export type Formatter = (line: string) => string;

/** Other names of fields, by ours. */
export type Renames = ReadonlyMap<string, string>;

type LogFields = Readonly<Record<string, unknown>>;

const PLAIN_VALUE = /^[^\s"=\\]+$/;
/** As pino numbers them. */
const LEVELS: Readonly<Record<string, number>> = { debug: 20, info: 30, warning: 40, error: 50 };

function renamed(line: string, renames: Renames): LogFields {
  const fields = Object.entries(JSON.parse(line) as object);
  return Object.fromEntries(fields.map(([name, value]) => [renames.get(name) ?? name, value]));
}

function logfmtValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return PLAIN_VALUE.test(text) ? text : JSON.stringify(text);
}

function logfmt(fields: LogFields): string {
  return `${Object.entries(fields)
    .map(([name, value]) => `${name.replaceAll(/[\s"=]/g, "_")}=${logfmtValue(value)}`)
    .join(" ")}\n`;
}

/** Loads the formatter only where it is wanted: a worker in a fleet never needs its memory. */
export async function forPeople(colorize: boolean): Promise<(line: string | object) => string> {
  const { prettyFactory } = await import("pino-pretty");
  return prettyFactory({
    colorize,
    messageKey: "message",
    timestampKey: "timestamp",
    customPrettifiers: { exception: String },
    ignore: "logger",
  });
}

/** The formatter of this name. People read our own names of fields. */
export async function createFormatter(
  format: LogFormat,
  renames: Renames,
  colorize: boolean,
): Promise<Formatter> {
  if (format === "logfmt") return (line) => logfmt(renamed(line, renames));
  if (format === "people") {
    const pretty = await forPeople(colorize);
    return (line) => {
      const record = JSON.parse(line) as { readonly level: string };
      return pretty({ ...record, level: LEVELS[record.level] });
    };
  }
  if (renames.size === 0) return (line) => line;
  return (line) => `${JSON.stringify(renamed(line, renames))}\n`;
}
