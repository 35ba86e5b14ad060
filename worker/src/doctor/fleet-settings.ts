import { SETTINGS, type Setting, type SettingName, type SettingRole } from "../../contract/settings.ts";
import type { Variables } from "../config/environment.ts";
import { parseSetting } from "../config/parse-setting.ts";
import type { FleetProcess, FleetSettings } from "./facts.ts";

/** Spawners first: on a machine of their own they carry what they start workers with. */
const ORDER = ["spawner", "supervisor", "worker", "api"] as const;

/** Settings as the running processes have them; where none is found, as this environment has them. Defaults for the rest. */
export function fleetSettings(processes: readonly FleetProcess[], own: Variables): FleetSettings {
  const ordered = ORDER.flatMap((role) => processes.filter((process) => process.role === role));
  const [first] = ordered;
  const read = <Name extends SettingName>(name: Name) => readOne(SETTINGS[name], ordered, own);
  return {
    lease: read("lease") as number,
    sweepInterval: read("sweepInterval") as number,
    gracefulShutdownTimeout: read("gracefulShutdownTimeout") as number,
    resultTtl: read("resultTtl") as number,
    logFormat: read("logFormat") as string,
    logJson: read("logJson") as boolean,
    poolSize: read("poolSize") as number,
    poolOverflow: read("poolOverflow") as number,
    retention: read("retention") as number,
    apiRate: read("apiRate") as number,
    apiRateWindow: read("apiRateWindow") as number,
    source: first === undefined ? "as this environment has it" : `as ${first.role} ${first.pid} has it`,
  };
}

/** The first process that was given it; else the default when one reads it at all; else this environment's. */
function readOne(setting: Setting, processes: readonly FleetProcess[], own: Variables) {
  const given = processes.find(({ environment }) => (environment[setting.env] ?? "") !== "")?.environment;
  const reads = processes.some(({ role }) =>
    setting.roles.includes(role === "supervisor" ? "worker" : (role satisfies SettingRole)),
  );
  const text = given?.[setting.env] ?? (reads ? "" : (own[setting.env] ?? ""));
  return text === "" ? setting.default : (parseSetting(setting, text) ?? setting.default);
}
