import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { ProcessIdentity } from "../../contract/run-file.ts";
import { INFO_DESCRIPTOR } from "../adapters/confinement/command.ts";
import { identify } from "../adapters/processes/process-identity.ts";

const LOOK_AGAIN_MS = 2;

/** Children of a process; none when it is gone. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** `{ "child-pid": 4711 }`; the end is not waited for, since others may hold the descriptor open. */
async function firstProcess(info: Readable): Promise<number | null> {
  let said = "";
  for await (const chunk of info) {
    said += String(chunk);
    const [, pid] = /"child-pid": (\d+)\b/.exec(said) ?? [];
    if (pid !== undefined && said.includes("}")) return Number(pid);
  }
  return null;
}

/** A pid namespace, as seen from outside. */
export interface PidNamespace {
  /** Its first process: with it all others end. */
  readonly first: ProcessIdentity;
  /** The worker, or `null` when it ended before anybody looked. */
  readonly worker: number | null;
}

/**
 * What `bwrap` runs in a new pid namespace: the first child of the namespace's first process. `null` when it ends
 * before there is one.
 */
export async function pidNamespace(bwrap: ChildProcess): Promise<PidNamespace | null> {
  const streams: ChildProcess["stdio"][number][] = [...bwrap.stdio];
  const info = streams[INFO_DESCRIPTOR] as Readable;
  const ended = once(bwrap, "exit");
  let over = false;
  ended.then(
    () => (over = true),
    () => (over = true),
  );
  const found = await firstProcess(info);
  const first = found === null ? null : identify(found);
  while (first !== null && !over) {
    const [worker] = childrenOf(first.pid);
    if (worker !== undefined) return { first, worker };
    await delay(LOOK_AGAIN_MS);
  }
  return first === null ? null : { first, worker: null };
}
