import type { Sandbox } from "../../ports/sandbox.ts";

/** A sandbox in words, for people: `bubblewrap`, `landlock, one program at a time; lacks signals`, `none: <why>`. */
export function describeSandbox(sandbox: Sandbox | string): string {
  if (typeof sandbox === "string") return `none: ${sandbox}`;
  const { backEnd, oneAtATime, unenforced, groups } = sandbox;
  const parts = [
    `${backEnd}${oneAtATime ? ", one program at a time in a worker" : ""}`,
    ...(unenforced.length === 0 ? [] : [`lacks ${unenforced.join(", ")}`]),
    ...(groups === true ? [] : ["memory and processor time are watched, not bounded by a control group"]),
  ];
  return parts.join("; ");
}
