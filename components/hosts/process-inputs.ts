import { isAbsolute } from "node:path";
import type { PortChoice } from "../spec/resolve.ts";
import { READY_KINDS, type ReadyCheck } from "./ready.ts";
import type { StopRule } from "./stop-process.ts";

/** A file that is written before the process starts and removed with it. */
export interface HostFile {
  /** Absolute. */
  readonly path: string;
  readonly content: string;
  /** Octal text: `0600`. */
  readonly mode: string;
}

/**
 * A process of this machine. `{port}` in arguments, environment and files stands for the port that it got.
 */
export interface ProcessInputs {
  /** Names the process in messages and its record file. */
  readonly name: string;
  /** Absolute; its working directory, made if missing. Its record `<name>.process.json` stands there. */
  readonly directory: string;
  readonly command: string;
  readonly args: readonly string[];
  /**
   * Arguments by which the same command, with the same environment, tells whether it would start: exit code 0, or what
   * is wrong. Asked before a running process is replaced. Default: not asked.
   */
  readonly startCheck?: readonly string[];
  /** Beside PATH, HOME and the like. */
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly HostFile[];
  readonly port: PortChoice;
  readonly ready: ReadyCheck;
  readonly stop: StopRule;
  /** Absolute; output is appended. */
  readonly log: string;
  /** Absolute folders, made if missing; they stay when the process goes, unless `deleteData`. */
  readonly data: readonly string[];
  readonly deleteData: boolean;
}

/** What a process resource knows beside its inputs. */
export interface ProcessState {
  readonly running: boolean;
  /** 0 when it does not run. */
  readonly pid: number;
  /** Field 22 of `/proc/<pid>/stat`; 0 when it does not run. */
  readonly startTime: number;
  /** The port that it got; it is kept over restarts. */
  readonly boundPort: number;
  /** `127.0.0.1:<port>` */
  readonly address: string;
  /** Whether its files are as they were written. */
  readonly filesIntact: boolean;
}

/** A change of these needs no restart. */
export const IN_PLACE: readonly (keyof ProcessInputs)[] = [
  "ready",
  "stop",
  "data",
  "deleteData",
  "startCheck",
];
/** A change of these makes it another process. */
export const IDENTITY: readonly (keyof ProcessInputs)[] = ["name", "directory"];

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

const SIGNALS: readonly unknown[] = ["SIGTERM", "SIGINT", "SIGQUIT"];
export const MODES: readonly unknown[] = ["0600", "0640", "0644", "0700", "0755"];

function isPort(port: unknown): boolean {
  return typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** What is wrong with the inputs; empty when nothing is. Only reads what a program can get wrong. */
export function checkProcess(inputs: ProcessInputs): readonly Failure[] {
  const failures: Failure[] = [];
  const demand = (holds: boolean, property: keyof ProcessInputs, received: unknown, allowed: string) => {
    if (!holds)
      failures.push({
        property,
        reason: `got ${JSON.stringify(received) ?? "nothing"}; allowed: ${allowed}`,
      });
  };
  const { name, directory, command, files, port, ready, stop, log, data } = inputs;
  demand(/^[a-z][a-z0-9-]{0,62}$/.test(name), "name", name, "lower-case letters, digits and hyphens");
  demand(isAbsolute(directory), "directory", directory, "an absolute path");
  demand(isAbsolute(log), "log", log, "an absolute path");
  demand(data.every(isAbsolute), "data", data, "absolute paths");
  demand(command !== "", "command", command, "a program");
  for (const { path, mode } of files) {
    demand(isAbsolute(path), "files", path, "an absolute path");
    demand(MODES.includes(mode), "files", mode, MODES.join(", "));
  }
  demand(isPort(port.port), "port", port.port, "1 to 65535");
  demand(READY_KINDS.includes(ready.kind), "ready", ready.kind, READY_KINDS.join(", "));
  demand(SIGNALS.includes(stop.signal), "stop", stop.signal, SIGNALS.join(", "));
  demand(stop.timeoutSeconds >= 0, "stop", stop.timeoutSeconds, "0 or more seconds");
  return failures;
}
