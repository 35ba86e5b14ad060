import { currentDatabaseUrl, type DatabaseSettings, databaseUrl } from "./connection-string.ts";
import type { PoolSettings } from "./pool-options.ts";
import type { PostgresStore } from "./store.ts";

type StoreSettings = DatabaseSettings & PoolSettings & { readonly tablePrefix: string };

/**
 * The record in the database that the settings name; undefined where they name none. Only then its driver is loaded.
 * `application`: what the server calls its connections; `secretOf`: what counts now, default: as it is set.
 * @throws TaskfleetError for a URL that is none.
 */
export async function openStore(
  settings: StoreSettings,
  application: string,
  secretOf: (name: "databaseUrl" | "pgPassword") => string = (name) => settings[name],
): Promise<PostgresStore | undefined> {
  if (databaseUrl(settings) === "") return undefined;
  const url = currentDatabaseUrl(settings, secretOf);
  const [{ PostgresStore }, { poolOptions }] = await Promise.all([
    import("./store.ts"),
    import("./pool-options.ts"),
  ]);
  const pool = poolOptions(settings, application);
  return PostgresStore.open({ url, prefix: settings.tablePrefix, pool });
}
