import { SETTINGS } from "../../contract/settings.ts";
import { redisAddress } from "../adapters/redis/connection.ts";
import type { ClientOptions } from "../client.ts";
import { crossCheck } from "../config/cross-checks.ts";
import { shorten, TaskfleetError } from "../core/errors.ts";

/** Everything of `ClientOptions`, with nothing left open. */
export type ResolvedOptions = { readonly [Name in keyof ClientOptions]-?: NonNullable<ClientOptions[Name]> };

/** `createClient` was called with options that cannot be used; names each, what is allowed and the value. */
export class ClientOptionsError extends TaskfleetError {
  override readonly name = "ClientOptionsError";
  constructor(problems: readonly string[]) {
    const amount = problems.length === 1 ? "1 option" : `${problems.length} options`;
    super(`createClient: ${[`${amount} cannot be used`, ...problems].join("\n  ")}`);
  }
}

/** Fills defaults, the fleet's own, and throws a `ClientOptionsError` with every problem. */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  const {
    redisUrl,
    redisPassword = SETTINGS.redisPassword.default,
    stream = SETTINGS.streams.default[0],
    maxPayloadBytes = SETTINGS.maxPayloadBytes.default,
    resultTtlSeconds = SETTINGS.resultTtl.default,
    resultDirectory = SETTINGS.resultDirectory.default,
    tracing = false,
  } = options;
  const problems: string[] = [];
  // The address is not shown: it may hold a password.
  if (!isAddress(redisUrl))
    problems.push(
      "redisUrl: an address such as redis://host:6379 or rediss://host:6379, not the given one; " +
        "a password in it must be percent-encoded",
    );
  if (crossCheck("cli", { streams: [stream] }).length > 0)
    problems.push(`stream: 1 to 200 characters of A-Z a-z 0-9 . _ : -, not ${shorten(stream)}`);
  const amounts = [
    ["maxPayloadBytes", maxPayloadBytes, SETTINGS.maxPayloadBytes],
    ["resultTtlSeconds", resultTtlSeconds, SETTINGS.resultTtl],
  ] as const;
  for (const [name, value, { min, max }] of amounts)
    if (!Number.isInteger(value) || value < min || value > max)
      problems.push(`${name}: a whole number from ${min} to ${max}, not ${shorten(value)}`);
  if (typeof resultDirectory !== "string")
    problems.push(`resultDirectory: path of a folder, not ${shorten(resultDirectory)}`);
  if (typeof tracing !== "boolean") problems.push(`tracing: true or false, not ${shorten(tracing)}`);
  if (problems.length > 0) throw new ClientOptionsError(problems);
  return { redisUrl, redisPassword, stream, maxPayloadBytes, resultTtlSeconds, resultDirectory, tracing };
}

function isAddress(url: string): boolean {
  try {
    redisAddress(url);
    return true;
  } catch {
    return false;
  }
}
