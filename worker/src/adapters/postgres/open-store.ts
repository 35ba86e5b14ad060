import { type DatabaseSettings, databaseUrl } from "./connection-string.ts";
import type { PoolSettings } from "./pool-options.ts";
import type { PostgresStore } from "./store.ts";

type StoreSettings = DatabaseSettings & PoolSettings & { readonly tablePrefix: string };

/**
 * The record in the database that the settings name; undefined where they name none. Only then its driver is loaded.
 * `application`: what the server calls its connections. @throws TaskfleetError for a URL that is none.
 */
export async function openStore(
  settings: StoreSettings,
  application: string,
): Promise<PostgresStore | undefined> {
  const url = databaseUrl(settings);
  if (url === "") return undefined;
  const [{ PostgresStore }, { poolOptions }] = await Promise.all([
    import("./store.ts"),
    import("./pool-options.ts"),
  ]);
  const pool = poolOptions(settings, application);
  return PostgresStore.open({ url, prefix: settings.tablePrefix, pool });
}
