import { TaskfleetError } from "../../core/errors.ts";
import { databaseAddress, eachHost, forDriver } from "./connection-string.ts";
import type { Queries } from "./database.ts";
import { translate } from "./translate-error.ts";

const CONNECT_MS = 10_000;

/**
 * One connection whose statements may take as long as they do, for backups.
 * @throws StoreUnavailableError, MigrationsMissingError, TaskfleetError with what else PostgreSQL says, or for a URL that
 * is none.
 */
export async function withLongConnection<T>(url: string, work: (queries: Queries) => Promise<T>): Promise<T> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({
    connectionString: forDriver(await primaryOf(url)),
    application_name: "taskfleet backup",
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
  });
  // A connection that breaks fails the statement that waits.
  client.on("error", () => {});
  const queries: Queries = {
    query: async (text, values) =>
      (await client.query(text, values === undefined ? undefined : [...values])).rows,
  };
  try {
    await client.connect();
    return await work(queries);
  } catch (error) {
    throw refused(error, databaseAddress(url));
  } finally {
    await client.end().catch(() => {
      // it is gone
    });
  }
}

/** The host that can be written to, of a URL that names several. */
async function primaryOf(url: string): Promise<string> {
  const [only = "", ...others] = eachHost(url);
  if (others.length === 0) return only;
  const { default: pg } = await import("pg");
  let failure: unknown = new Error("none of its servers can be written to");
  for (const one of [only, ...others]) {
    const client = new pg.Client({ connectionString: forDriver(one), connectionTimeoutMillis: CONNECT_MS });
    client.on("error", () => {});
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
      if (rows[0]?.standby === false) return one;
    } catch (error) {
      failure = error;
    } finally {
      await client.end().catch(() => {});
    }
  }
  throw refused(failure, databaseAddress(url));
}

/** A right that is missing is the operator's to give, not a fault of the program. */
function refused(error: unknown, address: string): Error {
  const translated = translate(error, address);
  const ofServer = translated === error && "code" in error && /^[0-9A-Z]{5}$/.test(String(error.code));
  if (!ofServer) return translated;
  return new TaskfleetError(`PostgreSQL at ${address} refuses: ${translated.message}`, { cause: error });
}
