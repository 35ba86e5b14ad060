import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { INFO_DESCRIPTOR } from "../adapters/confinement/command.ts";

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

/**
 * The pid of what `bwrap` runs in a new pid namespace, as seen from outside: the only child of the namespace's
 * first process. `null` when it ends before there is one.
 */
export async function namespacedPid(bwrap: ChildProcess): Promise<number | null> {
  const streams: ChildProcess["stdio"][number][] = [...bwrap.stdio];
  const info = streams[INFO_DESCRIPTOR] as Readable;
  const ended = once(bwrap, "exit");
  let over = false;
  ended.then(
    () => (over = true),
    () => (over = true),
  );
  const first = await firstProcess(info);
  while (first !== null && !over) {
    const [pid] = childrenOf(first);
    if (pid !== undefined) return pid;
    await delay(LOOK_AGAIN_MS);
  }
  return null;
}
