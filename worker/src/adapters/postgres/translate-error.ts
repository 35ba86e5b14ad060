import { MigrationsMissingError, StoreDataError, StoreUnavailableError } from "../../ports/activity-store.ts";

/** Codes of Node for a server that is not there. */
const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|Connection terminated|timeout exceeded|Query read timeout|Client has encountered a connection error|does not support SSL|CERT|certificate|self-signed/i;

/**
 * SQLSTATEs of a server that gives no service now: connection lost, too many connections or no room, shutting
 * down or starting, a transaction that lost against another, login or database refused.
 */
const NO_SERVICE = /^(08|53|57P|58|40|25006|28|3D000)/;

/** Values that PostgreSQL does not take: wrong data, broken constraint. */
const WRONG_DATA = /^(22|23)/;

/** No such table or column. */
const NO_TABLE = /^(42P01|42703)$/;

/** What the driver said, as an error of the port where it is one. The address carries no password. */
export function translate(error: unknown, address: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // A host of several addresses fails with one error for each, and no text of its own.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const reason = first instanceof Error ? first.message : error.message;
  if (NO_SERVICE.test(code) || UNREACHABLE.test(`${code} ${reason}`)) {
    return new StoreUnavailableError(`cannot use PostgreSQL at ${address}: ${reason}`, { cause: error });
  }
  if (WRONG_DATA.test(code)) return new StoreDataError(reason, { cause: error });
  if (NO_TABLE.test(code)) return new MigrationsMissingError([]);
  return error;
}
