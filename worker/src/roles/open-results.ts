import { SETTINGS } from "../../contract/settings.ts";
import { ResultFiles } from "../adapters/files/result-files.ts";
import { RedisResultStore } from "../adapters/redis/result-store.ts";
import type { Settings } from "../config/load-settings.ts";
import { SettingsError } from "../config/settings-error.ts";
import type { ResultStore } from "../ports/result-store.ts";

type ResultSettings = Pick<Settings<"worker">, "resultBackEnd" | "resultDirectory">;

/**
 * The back end of results that the settings name.
 * @throws SettingsError when the folder of results cannot be made or written to
 */
export async function openResults(settings: ResultSettings, workerId: string): Promise<ResultStore> {
  if (settings.resultBackEnd === "redis") return new RedisResultStore();
  const { resultDirectory: directory } = settings;
  const files = new ResultFiles({ directory, workerId, now: Date.now });
  try {
    await files.check();
  } catch (error) {
    const { message } = error as Error;
    throw new SettingsError([
      {
        variable: SETTINGS.resultDirectory.env,
        received: `"${directory}" (${message})`,
        allowed: "a folder that this worker may write to",
        wayOut: "Make it, give it to the worker's user, or set TASKFLEET_RESULT_BACKEND=redis.",
      },
    ]);
  }
  return files;
}
