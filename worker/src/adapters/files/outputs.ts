import type { ResultStore } from "../../ports/result-store.ts";
import { loadResult } from "./result-files.ts";

/** Completes records whose output is kept elsewhere. */
export type Outputs = Pick<ResultStore, "load">;

/** Outputs in a folder of results; "": none is set, and a record that needs it cannot be read. */
export function outputsIn(directory: string): Outputs {
  return { load: (record) => loadResult(directory, record) };
}

/** For whoever only wants to know how tasks ended. */
export const WITHOUT_OUTPUTS: Outputs = { load: async (record) => record };
