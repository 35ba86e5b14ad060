import { chmodSync, copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { sandboxHelper } from "../../../components/sandbox-helper.ts";
import { HELPER_BACK_ENDS, type HelperBackEnd } from "../../../worker/contract/sandbox.ts";
import { probe } from "../../../worker/src/adapters/sandbox/probe.ts";

/** A back end under a user: what this machine can test. */
export interface Setting {
  readonly backEnd: HelperBackEnd;
  readonly uid: number | undefined;
  readonly helper: string;
  /** Whether the worker itself is confined. */
  readonly confined: boolean;
  readonly title: string;
}

export const WORKER_UID = 65_532;

/** Whether any user may go there. */
export function passable(path: string): boolean {
  for (let folder = path; folder !== "/"; folder = dirname(folder))
    if ((statSync(folder).mode & 0o001) === 0) return false;
  return true;
}

/** The helper where every user reaches it; "" when it is not built. */
export function sharedHelper(): string {
  const built = sandboxHelper();
  if (built === "") return "";
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-helper-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  copyFileSync(built, join(folder, "taskfleet-sandbox"));
  return join(folder, "taskfleet-sandbox");
}

function say(text: string): void {
  process.stdout.write(`      not tested here: ${text}\n`);
}

/** Every combination that works on this machine; why others do not is printed. */
export async function settings(): Promise<readonly Setting[]> {
  const helper = sharedHelper();
  if (helper === "") {
    say("any sandbox, because its helper is not built (./taskfleet setup says why)");
    return [];
  }
  const found = await probe(helper, process.env.PATH ?? "");
  const uids: (number | undefined)[] = [undefined];
  if (process.getuid?.() === 0) {
    if (passable(import.meta.dirname) && passable(dirname(process.execPath))) uids.push(WORKER_UID);
    else say(`a worker of user ${WORKER_UID}, who cannot reach this checkout or Node`);
  }
  const works: Readonly<Record<HelperBackEnd, boolean>> = {
    landlock: found.landlockAbi > 0 && found.seccomp,
    bubblewrap: found.bubblewrap && found.seccomp,
  };
  return HELPER_BACK_ENDS.flatMap((backEnd) => {
    if (!works[backEnd])
      say(`${backEnd}: ${found.bubblewrapError ?? "the kernel does not let this process"}`);
    if (!works[backEnd]) return [];
    const plain = uids.map((uid) => ({
      ...{ backEnd, uid, helper, confined: false },
      title: `${backEnd}, ${uid === undefined ? "this user" : `user ${uid}`}`,
    }));
    // Landlock lets nobody mount below it, so that bubblewrap has no place there.
    const uid = uids.at(-1);
    const confined = { backEnd, uid, helper, confined: true, title: `${backEnd} in a confined worker` };
    return backEnd === "landlock" ? [...plain, confined] : plain;
  });
}
