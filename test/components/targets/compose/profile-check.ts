import type { ComposeService } from "../../../../components/targets/compose/service.ts";

type Whole = ComposeService & Readonly<Record<string, unknown>>;

const bytes = (size: string) => {
  const [, amount = "0", unit = "b"] = /^(\d+)([bmg])$/.exec(size) ?? [];
  return Number(amount) * { b: 1, m: 1024 ** 2, g: 1024 ** 3 }[unit as "b" | "m" | "g"];
};

/** What no service may ask for, under Compose's names. */
const FORBIDDEN = [
  "privileged",
  "cap_add",
  "devices",
  "pid",
  "ipc",
  "uts",
  "network_mode",
  "userns_mode",
  "cgroup_parent",
];

const RULES: Readonly<Record<string, (service: Whole) => boolean>> = {
  "a user of its own, never root": ({ user }) => /^[1-9]\d*:\d+$/.test(user),
  "a read-only root": ({ read_only }) => read_only === true,
  "no capabilities": ({ cap_drop }) => cap_drop?.join() === "ALL",
  "no new privileges": ({ security_opt }) => security_opt.includes("no-new-privileges:true"),
  "the engine's filter of system calls": ({ security_opt }) =>
    !security_opt.some((one) => /seccomp/.test(one)),
  "a bounded /tmp": ({ tmpfs }) => /^\/tmp:size=\d+[bmg],mode=1777$/.test(tmpfs[0] ?? ""),
  "a limit of processes, said twice alike": ({ pids_limit, deploy }) =>
    pids_limit > 0 && pids_limit === deploy.resources.limits.pids,
  "a memory limit": ({ deploy }) => bytes(deploy.resources.limits.memory) > 0,
  "no swap": ({ memswap_limit, deploy }) => memswap_limit === deploy.resources.limits.memory,
  "a reservation within its limit": ({ deploy }) =>
    bytes(deploy.resources.reservations.memory) <= bytes(deploy.resources.limits.memory),
  "a limit of processor time": ({ deploy }) => Number(deploy.resources.limits.cpus) > 0,
  "bounded logs": ({ logging }) => logging.driver === "syslog" || logging.options["max-size"] === "10m",
  "nothing of the host": (service) => FORBIDDEN.every((name) => !(name in service)),
};

/** The rules that a service breaks, by name. */
export function broken(service: ComposeService): readonly string[] {
  return Object.entries(RULES).flatMap(([name, holds]) => (holds(service as Whole) ? [] : [name]));
}
