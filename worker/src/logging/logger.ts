/**
 * Structured logs on standard output: one JSON object a line with `timestamp` (ISO 8601, UTC), `level`,
 * `message` (the event's name), `logger`, the event's own fields and, where something was thrown,
 * `exception` (its stack, causes included).
 */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { LOG_EVENTS } from "../../contract/log-events.ts";
import { redactor, type SecretList } from "./redact.ts";

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
  readonly secrets?: SecretList;
  /** Default: standard output. A number is an open file. */
  readonly destination?: DestinationStream | number;
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

/** What is kept of a log that cannot be written, until it can be. */
const KEPT_BYTES = 64 * 1024;

/** A file's log outlives a full disk: the lines that do not fit in memory meanwhile are lost, and counted. */
function toFile(fd: number) {
  const file = pino.destination({ fd, sync: true, maxLength: KEPT_BYTES });
  let dropped = 0;
  file.on("error", () => {});
  file.on("drop", () => {
    dropped += 1;
  });
  const tellDropped = (tell: (lines: number) => void) =>
    file.on("drain", () => {
      if (dropped > 0) tell(dropped);
      dropped = 0;
    });
  return { file, tellDropped };
}

/** A logger; its methods are pino's (`debug info warn error`), with the fields first and the event's name second. */
export async function createLogger(options: LogOptions): Promise<Logger> {
  const { destination = 1, json } = options;
  const open = async (plain: DestinationStream) =>
    pino(pinoOptions(options), json ? plain : await forPeople(plain));
  if (typeof destination !== "number") return open(destination);
  const { file, tellDropped } = toFile(destination);
  const logger = await open(file);
  tellDropped((lines) => logger.warn({ lines }, LOG_EVENTS.linesDropped));
  return logger;
}
