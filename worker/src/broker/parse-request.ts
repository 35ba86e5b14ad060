/** Reads a request and refuses what is not exactly one. Pure. */
import type { SandboxLimits } from "../ports/sandbox.ts";
import type { BrokerRequest } from "./protocol.ts";

/** The first line, at most. */
export const MAX_LINE_BYTES = 1024 * 1024;
/** Standard input, at most. */
export const MAX_STDIN_BYTES = 16 * 1024 * 1024;
/** The kernel takes no longer argument, its NUL counted. */
const MAX_TEXT_BYTES = 128 * 1024 - 1;
const MAX_GRACE_MS = 60_000;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const FIELDS = ["version", "command", "environment", "limits", "graceMs", "stdinBytes"];

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): value is string =>
  typeof value === "string" && !value.includes("\0") && Buffer.byteLength(value) <= MAX_TEXT_BYTES;

const isCount = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;

/** What is unknown or missing. */
function misnamed(value: Fields, names: readonly string[]): string | undefined {
  const unknown = Object.keys(value).find((key) => !names.includes(key));
  if (unknown !== undefined) return `"${unknown}" is no field of it`;
  const missing = names.find((name) => !Object.hasOwn(value, name));
  return missing === undefined ? undefined : `"${missing}" is missing`;
}

function commandProblem(command: unknown): string | undefined {
  const fits = Array.isArray(command) && command.length > 0 && command.every(isText) && command[0] !== "";
  return fits
    ? undefined
    : `command must be a program and arguments, texts without NUL of at most ${MAX_TEXT_BYTES} bytes`;
}

function environmentProblem(environment: unknown): string | undefined {
  if (!isRecord(environment)) return "environment must be an object of texts";
  for (const [name, value] of Object.entries(environment))
    if (!NAME.test(name) || !isText(value) || !isText(`${name}=${value}`))
      return (
        `environment holds ${JSON.stringify(name.slice(0, 64))}; allowed: names of A-Z a-z 0-9 _ with texts without NUL, ` +
        `${MAX_TEXT_BYTES} bytes together`
      );
  return undefined;
}

function limitsProblem(limits: unknown, most: SandboxLimits): string | undefined {
  const names = Object.keys(most) as (keyof SandboxLimits)[];
  if (!isRecord(limits)) return "limits must be an object";
  const wrong = misnamed(limits, names);
  if (wrong !== undefined) return `limits: ${wrong}`;
  const over = names.find((name) => !isCount(limits[name], name === "outputBytes" ? 0 : 1, most[name]));
  if (over === undefined) return undefined;
  return `limits.${over} is ${JSON.stringify(limits[over])}; allowed: a whole number up to ${most[over]}, the broker's own limit`;
}

/** The request, or what is wrong with it. `most`: what the broker grants. */
export function parseRequest(line: string, most: SandboxLimits): BrokerRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "the request is no JSON";
  }
  if (!isRecord(value)) return "the request is no JSON object";
  if (value.version !== 1) return `version is ${JSON.stringify(value.version)?.slice(0, 64)}; allowed: 1`;
  const counts: readonly (readonly [string, number])[] = [
    ["graceMs", MAX_GRACE_MS],
    ["stdinBytes", MAX_STDIN_BYTES],
  ];
  const count = counts.find(([name, top]) => !isCount(value[name], 0, top));
  return (
    misnamed(value, FIELDS) ??
    commandProblem(value.command) ??
    environmentProblem(value.environment) ??
    limitsProblem(value.limits, most) ??
    (count === undefined ? undefined : `${count[0]} must be a whole number from 0 to ${count[1]}`) ??
    (value as unknown as BrokerRequest)
  );
}
