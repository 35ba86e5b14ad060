import {
  MigrationsMissingError,
  StoreDataError,
  StoreRefusedError,
  StoreUnavailableError,
} from "../../ports/activity-store.ts";

/** Codes of Node for a server that is not there. */
const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|Connection terminated|timeout exceeded|Query read timeout|Client has encountered a connection error/i;

/**
 * SQLSTATEs of a server that gives no service now: connection lost, too many connections or no room, shutting
 * down or starting, a transaction that lost against another.
 */
const NO_SERVICE = /^(08|53|57P|58|40|25006)/;

/** What the server goes on refusing until somebody mends it, by SQLSTATE or by what driver and TLS say. */
const REFUSALS: readonly (readonly [what: RegExp, wayOut: string])[] = [
  [
    /^28P01|SASL|password must be/,
    "correct user and password of the database's URL, or set them there by: taskfleet db setup",
  ],
  [/^28/, "let the server's pg_hba.conf allow this login, or correct user and sslmode of the database's URL"],
  [/^3D000/, "correct the database of the database's URL, or make it by: taskfleet db setup"],
  [/^42501/, "give the role its rights by: taskfleet db setup"],
  [
    /CERT|certificate|self-signed|does not support SSL/i,
    "correct sslmode and sslrootcert of the database's URL, or the server's certificate",
  ],
];

/** Values that PostgreSQL does not take: wrong data, broken constraint. */
const WRONG_DATA = /^(22|23)/;

/** No such table or column. */
const NO_TABLE = /^(42P01|42703)$/;

/** What the driver said, as an error of the port where it is one. The address carries no password. */
export function translate(error: unknown, address: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  if (error instanceof StoreUnavailableError) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // A host of several addresses fails with one error for each, and no text of its own.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const reason = first instanceof Error ? first.message : error.message;
  const refusal = REFUSALS.find(([what]) => what.test(`${code} ${reason}`));
  if (refusal !== undefined) {
    const message = `PostgreSQL at ${address} refuses to serve: ${reason}`;
    return new StoreRefusedError(message, refusal[1], { cause: error });
  }
  if (NO_SERVICE.test(code) || UNREACHABLE.test(`${code} ${reason}`)) {
    return new StoreUnavailableError(`cannot use PostgreSQL at ${address}: ${reason}`, { cause: error });
  }
  if (WRONG_DATA.test(code)) return new StoreDataError(reason, { cause: error });
  if (NO_TABLE.test(code)) return new MigrationsMissingError([]);
  return error;
}
