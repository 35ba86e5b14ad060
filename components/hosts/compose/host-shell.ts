/** Where commands of an engine's host run: here, or there over SSH. */
export interface HostShell {
  /** In messages: `this machine`, `ada@host`. */
  readonly name: string;
  readonly isLocal: boolean;
  /**
   * Runs a command to its end, whatever its exit code.
   * @throws HostError when the host is not reached, or the command does not end in time.
   */
  run(words: readonly string[], options?: RunOptions): Promise<ShellEnd>;
}

export interface RunOptions {
  /** Absolute; its working directory. */
  readonly directory?: string;
  readonly stdin?: string;
  /** Default: 120. */
  readonly timeoutSeconds?: number;
}

export interface ShellEnd {
  /** 127: there is no such command. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a failed command said, on one line: Compose's and Docker's last line is the reason. */
export function lastWords({ stderr, stdout }: ShellEnd): string {
  const said = stderr.trim() === "" ? stdout : stderr;
  const lines = said
    .trim()
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.at(-1) ?? "it said nothing";
}
