import type { Database } from "../adapters/postgres/database.ts";
import type { Settings } from "../config/load-settings.ts";
import { StoreUnavailableError } from "../ports/activity-store.ts";
import type { DatabaseFacts } from "./facts.ts";
import { isLoopback } from "./loopback.ts";

const PATIENCE_MS = 4_000;

/** Asks the database of the record about itself, where one is configured. Reads only. */
export async function gatherDatabase(settings: Settings<"cli">): Promise<DatabaseFacts> {
  const { databaseUrl, eachHost } = await import("../adapters/postgres/connection-string.ts");
  const url = databaseUrl(settings);
  if (url === "") return { state: "none" };
  const hostOf = (text: string) => new URL(eachHost(text)[0] ?? "").hostname;
  const { Database, ONE_CONNECTION } = await import("../adapters/postgres/database.ts");
  const options = { ...ONE_CONNECTION, timeoutMs: PATIENCE_MS, name: "taskfleet doctor" };
  const database = await Database.open(url, options);
  try {
    return await ask(database, hostOf(url), settings.tablePrefix);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    return { state: "unreachable", address: database.address, why: error.message };
  } finally {
    await database.close();
  }
}

interface Connection {
  /** PostgreSQL tells every session whether its own connection is encrypted. */
  readonly tls: boolean | null;
  readonly most: string;
}

const CONNECTION = `SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls,
  current_setting('max_connections') AS most`;

async function ask(database: Database, host: string, prefix: string): Promise<DatabaseFacts> {
  const { migrationState } = await import("../adapters/postgres/migrate.ts");
  const [connection] = await database.query<Connection & Record<string, unknown>>(CONNECTION);
  const { missing } = await migrationState(database, prefix);
  return {
    state: "reachable",
    address: database.address,
    loopback: isLoopback(host),
    tls: connection?.tls === true,
    pendingMigrations: missing,
    maxConnections: Number(connection?.most ?? 0),
  };
}
