/**
 * Structured logs, on standard output unless told otherwise: one JSON object a line with `timestamp` (ISO 8601, UTC), `level`,
 * `message` (the event's name), `logger`, the event's own fields and, where something was thrown,
 * `exception` (its stack, causes included).
 */
import { type DestinationStream, type Logger, type LoggerOptions, pino } from "pino";
import { LOG_EVENTS } from "../../contract/log-events.ts";
import { createFormatter, forPeople } from "./formatters.ts";
import { type LogFormat, type LogHandler, parseLogHandler, parseRename } from "./handlers.ts";
import { type LogFile, openFile, rotatingFile } from "./log-file.ts";
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
  /** Items of `LOG_HANDLERS`, checked; default: standard output. */
  readonly handlers?: readonly string[];
  /** Default: `auto`, as `json` says. */
  readonly format?: LogFormat | "auto";
  /** Items of `LOG_FIELDS`, checked; default: none. */
  readonly renames?: readonly string[];
  /** In place of `handlers`. A number is an open file. */
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

/** Lines for people from pino's own records. */
async function coloured(destination: DestinationStream): Promise<DestinationStream> {
  const format = await forPeople(process.stdout.isTTY === true);
  return { write: (line) => destination.write(format(line)) };
}

/** Where these logs go is what one role wrote to at first: standard output, in one format, under our names. */
function isPlain({ handlers = ["stdout"], format, renames = [] }: LogOptions): boolean {
  return renames.length === 0 && format !== "logfmt" && handlers.length === 1 && handlers[0] === "stdout";
}

function openHandler(handler: LogHandler): LogFile {
  if (handler.to !== "file") return openFile(handler.to === "stdout" ? 1 : 2);
  return rotatingFile(handler.path, handler.maxBytes, handler.keep);
}

/** Several handlers, or one with a format of its own: each gets the same line, in its format. */
async function createHandledLogger(options: LogOptions): Promise<Logger> {
  const { handlers = ["stdout"], format = "auto", renames = [] } = options;
  const usual = format === "auto" ? (options.json ? "json" : "people") : format;
  const names = new Map(renames.map(parseRename).filter((pair) => pair !== undefined));
  const parsed = handlers.map(parseLogHandler).filter((handler) => handler !== undefined);
  const outputs = await Promise.all(
    parsed.map(async (handler) => {
      const terminal = handler.to === "file" ? false : process[handler.to].isTTY === true;
      const write = await createFormatter(handler.format ?? usual, names, terminal);
      return { file: openHandler(handler), write };
    }),
  );
  const all: DestinationStream = {
    write: (line) => {
      for (const { file, write } of outputs) file.write(write(line));
    },
  };
  const logger = pino(pinoOptions({ ...options, json: true }), all);
  for (const { file } of outputs)
    file.tellDropped((lines) => logger.warn({ lines }, LOG_EVENTS.linesDropped));
  return logger;
}

/** A logger; its methods are pino's (`debug info warn error`), with the fields first and the event's name second. */
export async function createLogger(options: LogOptions): Promise<Logger> {
  const { destination, format = "auto" } = options;
  if (destination === undefined && !isPlain(options)) return createHandledLogger(options);
  const json = format === "auto" ? options.json : format === "json";
  const open = async (plain: DestinationStream) =>
    pino(pinoOptions({ ...options, json }), json ? plain : await coloured(plain));
  if (destination !== undefined && typeof destination !== "number") return open(destination);
  const file = openFile(destination ?? 1);
  const logger = await open(file);
  file.tellDropped((lines) => logger.warn({ lines }, LOG_EVENTS.linesDropped));
  return logger;
}
