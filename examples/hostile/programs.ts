/** Programs that no sandbox may let through, and the reason that each ends with. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FailureReason } from "../../worker/contract/records.ts";

export interface HostileProgram {
  /** File in this folder; what it does stands in its first line. */
  readonly file: string;
  readonly reason: FailureReason;
  /** Limits that make it end soon; the others are the fleet's. */
  readonly limits?: Readonly<Record<string, number>>;
}

const MIB = 1024 * 1024;

/** The same in every back end. */
export const HOSTILE_PROGRAMS: readonly HostileProgram[] = [
  { file: "endless-loop.sh", reason: "cpu", limits: { cpuMs: 300 } },
  { file: "sleeper.sh", reason: "timeout", limits: { timeoutMs: 300 } },
  { file: "fork-bomb.pl", reason: "processes", limits: { processes: 64 } },
  { file: "thread-bomb.js", reason: "processes", limits: { processes: 24 } },
  { file: "memory-hog.js", reason: "memory", limits: { memoryBytes: 256 * MIB } },
  { file: "memory-crowd.pl", reason: "memory", limits: { memoryBytes: 128 * MIB } },
  { file: "big-file.sh", reason: "output", limits: { diskBytes: 16 * MIB } },
  { file: "disk-filler.sh", reason: "output", limits: { diskBytes: 16 * MIB } },
  { file: "unseen-files.pl", reason: "output", limits: { diskBytes: 16 * MIB } },
  { file: "loud.sh", reason: "output" },
  { file: "write-outside.sh", reason: "exit" },
  { file: "close-parents.sh", reason: "exit" },
  { file: "read-others.pl", reason: "exit" },
  { file: "signal-others.pl", reason: "exit" },
  { file: "slow-others.pl", reason: "exit" },
  { file: "ptrace.pl", reason: "denied" },
  { file: "read-memory.pl", reason: "denied" },
  { file: "tcp.js", reason: "exit" },
  { file: "udp.js", reason: "exit" },
  { file: "dns.js", reason: "exit" },
  { file: "unix-sockets.js", reason: "exit" },
  { file: "datagram-pair.pl", reason: "exit" },
  { file: "io-uring.pl", reason: "exit" },
  { file: "userfaultfd.pl", reason: "denied" },
  { file: "keyring.pl", reason: "denied" },
  { file: "namespaces.pl", reason: "denied" },
  { file: "shared-memory.pl", reason: "exit" },
  { file: "setuid.sh", reason: "exit" },
  { file: "daemon.pl", reason: "exit" },
];

const INTERPRETERS: Readonly<Record<string, readonly string[]>> = {
  sh: ["sh", "-s"],
  pl: ["perl", "-"],
  js: ["node", "-"],
};

/** The payload of an `execute` task that runs it, from its standard input. */
export function hostilePayload({ file, limits }: HostileProgram) {
  const command = INTERPRETERS[file.split(".")[1] ?? ""] ?? [];
  const stdin = readFileSync(join(import.meta.dirname, file), "utf8");
  return { command, stdin, untrusted: true, ...limits };
}
