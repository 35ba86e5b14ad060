import { EXIT } from "../../../contract/exit-codes.ts";
import { databaseUrl } from "../../adapters/postgres/connection-string.ts";
import { ONE_CONNECTION } from "../../adapters/postgres/database.ts";
import { PostgresStore } from "../../adapters/postgres/store.ts";
import type { Settings } from "../../config/load-settings.ts";
import { CliError } from "../report-error.ts";

/** Opens the record for one command, and closes it whatever happened. @throws CliError where there is none. */
export async function withRecord<T>(
  settings: Settings<"cli">,
  work: (store: PostgresStore) => Promise<T>,
): Promise<T> {
  const url = databaseUrl(settings);
  if (url === "")
    throw new CliError("runs are read from the record, and DATABASE_URL is not set", EXIT.usage);
  const pool = { ...ONE_CONNECTION, name: "taskfleet runs" };
  const store = await PostgresStore.open({ url, prefix: settings.tablePrefix, pool });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
