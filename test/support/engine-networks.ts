import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const TABLES = ["filter", "nat"];
const FORWARDING = "/proc/sys/net/ipv4/ip_forward";
/** An engine's own bridge, and those of its networks. */
const BRIDGES = /^\d+: (docker0|br-[0-9a-f]{12}):/gm;

/** Of networks that neither engine, machine nor another test's engine has. */
export const ENGINE_NETWORKS = [
  "--bip",
  "172.27.0.1/24",
  "--default-address-pool",
  "base=172.28.0.0/16,size=24",
];

function run(program: string, ...words: readonly string[]): string {
  return execFileSync(program, words, { env: { PATH }, encoding: "utf8" });
}

function rules(table: string): readonly string[] {
  return run("iptables", "-w", "-t", table, "-S").trim().split("\n");
}

function bridges(): readonly string[] {
  return [...run("ip", "link", "show", "type", "bridge").matchAll(BRIDGES)].map(([, name = ""]) => name);
}

/** Why an engine cannot have networks here, in words; `undefined` when it can. */
export function networksProblem(): string | undefined {
  try {
    const taken = rules("filter").includes("-N DOCKER");
    return taken ? "another engine's chains are in this machine's packet filter" : undefined;
  } catch (error) {
    return `iptables does not answer: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The machine's packet filter and bridges as they were before an engine changed them. */
export class NetworksBefore {
  readonly #rules = new Map(TABLES.map((table) => [table, rules(table)]));
  readonly #bridges = new Set(bridges());
  readonly #forwarding = readFileSync(FORWARDING, "utf8");

  /** Takes away what is new since, and puts the chains' policies back. */
  restore(): void {
    for (const table of TABLES) {
      const before = new Set(this.#rules.get(table));
      const change = (...words: readonly string[]) => run("iptables", "-w", "-t", table, ...words);
      const added = rules(table).filter((rule) => !before.has(rule));
      const words = added.map((rule) => rule.split(" "));
      for (const [sort, ...rest] of words) if (sort === "-A") change("-D", ...rest);
      for (const [sort, ...rest] of words) if (sort === "-N") change("-X", ...rest);
      for (const rule of before) if (rule.startsWith("-P ")) change(...rule.split(" "));
    }
    for (const name of bridges()) if (!this.#bridges.has(name)) run("ip", "link", "delete", name);
    writeFileSync(FORWARDING, this.#forwarding);
  }
}
