import { oneLine, paint } from "../output/terminal.ts";

/** One line of a log file. */
export interface LogLine {
  /** The file's name without `.log`. */
  readonly source: string;
  readonly text: string;
  /** ms since the epoch; a line without a time of its own has that of the line before it. */
  readonly at: number;
}

const LEVEL_STYLE = { debug: "dim", info: "green", warning: "yellow", error: "red" } as const;

/** Reads a record's fields; `undefined` for a line that is no JSON object. */
export function parseRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** The time of a record, or of a line that starts with an ISO time; `before` when it names none. */
export function timeOf(text: string, before: number): number {
  const named = parseRecord(text)?.timestamp ?? /^\[?(\d{4}-\d\d-\d\d[T ][\d:.]+Z?)/.exec(text)?.[1];
  const at = typeof named === "string" ? Date.parse(named) : Number.NaN;
  return Number.isNaN(at) ? before : at;
}

/** A line for people: time, level, source, event, other fields; lines that are no records stay as they are. */
export function formatLine(line: LogLine): string {
  const record = parseRecord(line.text);
  if (record === undefined)
    return `${" ".repeat(12)} ${paint("dim", line.source)}  ${oneLine(line.text, 400)}`;
  const { timestamp: _at, level, message, logger: _logger, exception, ...fields } = record;
  const name = String(level);
  const style = name in LEVEL_STYLE ? LEVEL_STYLE[name as keyof typeof LEVEL_STYLE] : "dim";
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${shown(value)}`);
  const time = new Date(line.at).toISOString().slice(11, 23);
  const head = `${paint("dim", time)} ${paint(style, name.padEnd(7))} ${paint("cyan", line.source)}`;
  const body = `${head}  ${oneLine(String(message), 400)}${rest.length > 0 ? `  ${paint("dim", rest.join(" "))}` : ""}`;
  return exception === undefined ? body : `${body}\n${indented(exception)}`;
}

function shown(value: unknown): string {
  const text = typeof value === "string" && !/[\s"]/.test(value) ? value : JSON.stringify(value);
  return oneLine(text ?? "", 200);
}

function indented(exception: unknown): string {
  const text = typeof exception === "string" ? exception : JSON.stringify(exception, undefined, 2);
  return text
    .split("\n")
    .map((line) => `    ${oneLine(line, 400)}`)
    .join("\n");
}
