/** A worker's history of executions. A supervised worker may write to no disk: its supervisor writes in its place. */
import type { Settings } from "../config/load-settings.ts";
import type { Logger } from "../logging/logger.ts";
import type { SupervisorMessage } from "../runtime/supervisor-link.ts";
import { History, type WriteLines } from "./history.ts";
import { HistoryFile } from "./history-file.ts";

type HistorySettings = Pick<Settings, "history" | "historyMax" | "historyKeep">;

/** The file that the settings name. */
export function historyFile({ history, historyMax, historyKeep }: HistorySettings): HistoryFile {
  return new HistoryFile(history, historyMax, historyKeep);
}

/** Sends lines to the supervisor; what that one cannot write it says later. */
const toSupervisor: WriteLines = (text) => {
  const { send } = process;
  if (send === undefined || !process.connected) throw new Error("the supervisor is gone");
  return new Promise((resolve, reject) =>
    send.call(process, { history: text }, (error: Error | null) => (error ? reject(error) : resolve())),
  );
};

/** `null` where no file is named. */
export function openHistory(settings: HistorySettings, logger: Logger): History | null {
  if (settings.history === "") return null;
  if (process.connected !== true) {
    const file = historyFile(settings);
    return new History((text) => file.append(text), logger);
  }
  const history = new History(toSupervisor, logger);
  process.on("message", (message: SupervisorMessage) => {
    if ("historyLost" in message) history.lose(message.historyLost, message.why);
  });
  return history;
}
