import { EXIT } from "../../../contract/exit-codes.ts";
import { openStore } from "../../adapters/postgres/open-store.ts";
import type { PostgresStore } from "../../adapters/postgres/store.ts";
import type { Settings } from "../../config/load-settings.ts";
import { CliError } from "../report-error.ts";

/** Opens the record for one command, and closes it whatever happened. @throws CliError where there is none. */
export async function withRecord<T>(
  settings: Settings<"cli">,
  work: (store: PostgresStore) => Promise<T>,
): Promise<T> {
  const store = await openStore(settings, "taskfleet runs");
  if (store === undefined)
    throw new CliError("runs are read from the record, and DATABASE_URL is not set", EXIT.usage);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}
