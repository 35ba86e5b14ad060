import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** What the helper found out by trying, see `worker/sandbox/probe.go`. */
export interface Probe {
  /** 0: no Landlock. */
  readonly landlockAbi: number;
  readonly seccomp: boolean;
  readonly root: boolean;
  /** Paths of programs and libraries of this system. */
  readonly system: readonly string[];
  readonly bubblewrap: boolean;
  /** Why bubblewrap does not work. */
  readonly bubblewrapError?: string;
}

const PATIENCE_MS = 10_000;

/** Asks the helper what this process may use. Rejects when it cannot be started. */
export async function probe(helper: string, path: string): Promise<Probe> {
  const options = { env: { PATH: path }, timeout: PATIENCE_MS, encoding: "utf8" } as const;
  const { stdout } = await promisify(execFile)(helper, ["probe"], options);
  return JSON.parse(stdout) as Probe;
}
