import type { Settings } from "../config/load-settings.ts";
import type { HistoryFile } from "../history/history-file.ts";
import { historyFile } from "../history/open-history.ts";
import type { SupervisorMessage } from "../runtime/supervisor-link.ts";

type HistorySettings = Pick<Settings, "history" | "historyMax" | "historyKeep">;

/** Writes its worker's history of executions, and says what it could not write. Without a file it writes nothing. */
export class HistoryKeeper {
  readonly #file: HistoryFile | null;
  readonly #tell: (message: SupervisorMessage) => void;

  constructor(settings: HistorySettings, tell: (message: SupervisorMessage) => void) {
    this.#file = settings.history === "" ? null : historyFile(settings);
    this.#tell = tell;
  }

  /** Whole lines. */
  write(text: string): void {
    try {
      this.#file?.append(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#tell({ historyLost: text.split("\n").length - 1, why });
    }
  }
}
