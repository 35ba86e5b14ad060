import type { Settings } from "../config/load-settings.ts";
import type { DatabaseFacts } from "./facts.ts";

/** Asks the database of the record about itself, where one is configured. Reads only. */
export async function gatherDatabase(_: Settings<"cli">): Promise<DatabaseFacts> {
  return { state: "none" };
}
