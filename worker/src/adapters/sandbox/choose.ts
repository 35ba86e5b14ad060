/** Which back end of the helper's serves. Pure. */
import { HELPER_BACK_ENDS, type HelperBackEnd, type Protection } from "../../../contract/sandbox.ts";
import type { Probe } from "./probe.ts";

/** A back end that works here, and what it lacks. */
export interface Choice {
  readonly backEnd: HelperBackEnd;
  readonly unenforced: readonly Protection[];
}

/** Why a back end does not work, in words; `undefined` when it does. */
function obstacle(backEnd: HelperBackEnd, probe: Probe): string | undefined {
  if (!probe.seccomp) return "the kernel lets this process use no seccomp filter";
  if (backEnd === "landlock" && probe.landlockAbi === 0)
    return "the kernel lets this process use no Landlock";
  if (backEnd === "bubblewrap" && !probe.bubblewrap)
    return `bubblewrap does not start (${probe.bubblewrapError ?? "no reason given"})`;
  return undefined;
}

/** From the first Landlock version on that has its part in a protection. */
const SIGNALS_ABI = 6;

function lacking(backEnd: HelperBackEnd, { landlockAbi, root }: Probe): readonly Protection[] {
  if (backEnd === "bubblewrap" || landlockAbi >= SIGNALS_ABI || root) return [];
  return ["signals", "leftovers"];
}

/** The back end that is asked for, or the strongest that works; else a text that says why none does. */
export function choose(asked: HelperBackEnd | "auto", probe: Probe): Choice | string {
  const candidates = asked === "auto" ? HELPER_BACK_ENDS : [asked];
  const obstacles: string[] = [];
  for (const backEnd of candidates) {
    const found = obstacle(backEnd, probe);
    if (found === undefined) return { backEnd, unenforced: lacking(backEnd, probe) };
    obstacles.push(found);
  }
  return obstacles.join("; ");
}

/** Those of `unenforced` that nobody accepts. */
export function unaccepted(
  unenforced: readonly Protection[],
  accepted: readonly string[],
): readonly Protection[] {
  return unenforced.filter((protection) => !accepted.includes(protection));
}
