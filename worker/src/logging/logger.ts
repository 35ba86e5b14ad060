/**
 * Structured logs on standard output: one JSON object a line with `timestamp` (ISO 8601, UTC), `level`,
 * `message` (the event's name), `logger`, the event's own fields and, where something was thrown,
 * `exception` (its stack, causes included).
 */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { redactor } from "./redact.ts";

export type { Logger } from "pino";

export type LogLevel = "debug" | "info" | "warning" | "error";

export interface LogOptions {
  /** The `logger` field: the role's name. */
  readonly name: string;
  /** JSON lines; off: coloured lines for people. */
  readonly json: boolean;
  /** The least level that is written. */
  readonly level: LogLevel;
  /** Fields of every record. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Values that never appear in a line. */
  readonly secrets?: readonly string[];
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

const LEVEL_NAMES: Readonly<Record<string, string>> = { warn: "warning", fatal: "error", trace: "debug" };

/** A thrown value as text: the stack, and those of its causes. */
export function exceptionText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own = thrown.stack ?? `${thrown.name}: ${thrown.message}`;
  return thrown.cause === undefined ? own : `${own}\ncaused by: ${exceptionText(thrown.cause)}`;
}

function pinoOptions({ name, json, level, fields, secrets }: LogOptions): LoggerOptions {
  const redact = redactor(secrets ?? []);
  return {
    level: level === "warning" ? "warn" : level,
    base: { logger: name, ...fields },
    messageKey: "message",
    errorKey: "exception",
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    // The formatter for people takes pino's numbers and names them itself.
    ...(json ? { formatters: { level: (label: string) => ({ level: LEVEL_NAMES[label] ?? label }) } } : {}),
    serializers: { exception: exceptionText },
    hooks: { streamWrite: redact },
  };
}

/** Loads the formatter only where it is wanted: a worker in a fleet never needs its memory. */
async function forPeople(destination: DestinationStream): Promise<DestinationStream> {
  const { prettyFactory } = await import("pino-pretty");
  const format = prettyFactory({
    colorize: process.stdout.isTTY === true,
    messageKey: "message",
    timestampKey: "timestamp",
    customPrettifiers: { exception: String },
    ignore: "logger",
  });
  return { write: (line) => destination.write(format(line)) };
}

/** A logger; its methods are pino's (`debug info warn error`), with the fields first and the event's name second. */
export async function createLogger(options: LogOptions): Promise<Logger> {
  const plain = options.destination ?? pino.destination({ fd: 1, sync: true });
  return pino(pinoOptions(options), options.json ? plain : await forPeople(plain));
}
