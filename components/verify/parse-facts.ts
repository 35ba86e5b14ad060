/** Reads what `host-script.ts` printed. Pure. */
import type { KernelFacts, Namespace, ProcessFacts } from "./facts.ts";

export interface HostFacts {
  readonly host: KernelFacts["namespaces"];
  readonly byPid: ReadonlyMap<number, KernelFacts>;
}

type Line = readonly [owner: string, what: string, value: string];

function parseLine(line: string): Line {
  const [owner = "", what = "", ...value] = line.split(" ");
  return [owner, what, value.join(" ")];
}

function valuesOf(lines: readonly Line[], what: string): readonly string[] {
  return lines.filter((line) => line[1] === what).map((line) => line[2]);
}

function namespacesOf(lines: readonly Line[]): KernelFacts["namespaces"] {
  const pairs = valuesOf(lines, "namespace").map((text) => text.split(" ") as [Namespace, string]);
  return Object.fromEntries(pairs);
}

function processesOf(lines: readonly Line[]): readonly ProcessFacts[] {
  const processes = new Map<number, Record<string, string>>();
  for (const text of valuesOf(lines, "process")) {
    const [pid = "", name = "", ...value] = text.split(" ");
    const status = processes.get(Number(pid)) ?? {};
    status[name] = value.join(" ");
    processes.set(Number(pid), status);
  }
  return [...processes].map(([pid, status]) => ({ pid, status }));
}

export function parseHostFacts(output: string): HostFacts {
  const lines = output
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
  const byOwner = Map.groupBy(lines, ([owner]) => owner);
  const byPid = new Map<number, KernelFacts>();
  for (const [owner, own] of byOwner) {
    if (owner === "host") continue;
    byPid.set(Number(owner), {
      alive: !own.some(([, what]) => what === "gone"),
      processes: processesOf(own),
      groups: valuesOf(own, "group"),
      mounts: valuesOf(own, "mount"),
      namespaces: namespacesOf(own),
      pids: valuesOf(own, "pids"),
      memory: valuesOf(own, "memory"),
    });
  }
  return { host: namespacesOf(byOwner.get("host") ?? []), byPid };
}
