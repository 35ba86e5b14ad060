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
async function prettyStream(destination: DestinationStream | undefined): Promise<DestinationStream> {
  const { default: pretty } = await import("pino-pretty");
  return pretty({
    sync: true,
    colorize: destination === undefined && process.stdout.isTTY === true,
    messageKey: "message",
    timestampKey: "timestamp",
    customPrettifiers: { exception: String },
    ignore: "logger",
    customLevels: "debug:20,info:30,warning:40,error:50",
    customColors: "debug:blue,info:green,warning:yellow,error:red",
    ...(destination === undefined ? { destination: 1 } : { destination: destination as never }),
  });
}

/** A logger; its methods are pino's (`debug info warn error`), with the fields first and the event's name second. */
export async function createLogger(options: LogOptions): Promise<Logger> {
  const stream = options.json
    ? (options.destination ?? pino.destination({ fd: 1, sync: true }))
    : await prettyStream(options.destination);
  return pino(pinoOptions(options), stream);
}
