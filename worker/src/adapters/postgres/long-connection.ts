import { databaseAddress, forDriver } from "./connection-string.ts";
import type { Queries } from "./database.ts";
import { translate } from "./translate-error.ts";

const CONNECT_MS = 10_000;

/**
 * One connection whose statements may take as long as they do, for backups.
 * @throws StoreUnavailableError, and what PostgreSQL says; TaskfleetError for a URL that is none.
 */
export async function withLongConnection<T>(url: string, work: (queries: Queries) => Promise<T>): Promise<T> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({
    connectionString: forDriver(url),
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
    throw translate(error, databaseAddress(url));
  } finally {
    await client.end().catch(() => {
      // it is gone
    });
  }
}
