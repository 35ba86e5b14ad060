/**
 * A role's configuration: the environment over the `.env` file of the working directory over the preset over
 * the defaults of `worker/contract/settings.ts`. Durations are in the unit that the table names, mostly seconds.
 */
import {
  PRESETS,
  SETTINGS,
  type Setting,
  type SettingName,
  type SettingRole,
} from "../../contract/settings.ts";
import { passwordOf } from "../core/secret-spellings.ts";
import { crossCheck, type Readable } from "./cross-checks.ts";
import { allowedValues, defaultText } from "./describe-setting.ts";
import { lookUp, readDotEnv, type Variables } from "./environment.ts";
import { parseSetting, type SettingValue, type ValueOf } from "./parse-setting.ts";
import { readSecret } from "./read-secret.ts";
import { type SettingProblem, SettingsError } from "./settings-error.ts";

export { SettingsError } from "./settings-error.ts";

/** Every setting that a role has, frozen. */
export type Settings<Role extends SettingRole = SettingRole> = {
  readonly [Name in SettingName as Role extends (typeof SETTINGS)[Name]["roles"][number]
    ? Name
    : never]: ValueOf<(typeof SETTINGS)[Name]>;
};

type Reading = { readonly value: SettingValue } | { readonly problem: SettingProblem };

function unset(name: string): string {
  return `Correct it, or unset ${name}`;
}

function readSetting(
  setting: Setting,
  fallback: SettingValue,
  sources: readonly [Variables, Variables],
): Reading {
  if (setting.type === "secret") return readSecret(setting, sources);
  const text = lookUp(setting.env, ...sources);
  if (text === undefined) return { value: fallback };
  const value = parseSetting(setting, text);
  if (value !== undefined) return { value };
  const shownDefault = defaultText(setting);
  return {
    problem: {
      variable: setting.env,
      received: `"${text}"`,
      allowed: allowedValues(setting),
      wayOut: `${unset(setting.env)}${shownDefault === "" ? "" : ` for the default, ${shownDefault}`}.`,
    },
  };
}

/** The defaults that the chosen preset puts in place of the table's; an unknown preset is reported later. */
function presetDefaults(sources: readonly [Variables, Variables]): Readable {
  const chosen = lookUp(SETTINGS.preset.env, ...sources)?.trim() ?? "";
  return chosen in PRESETS ? PRESETS[chosen as keyof typeof PRESETS] : {};
}

/**
 * Reads and checks all settings of a role.
 *
 * `folder` is where `.env` is looked for; default: the working directory.
 * @throws SettingsError with every problem at once.
 */
export function loadSettings<Role extends SettingRole>(
  environment: Variables,
  role: Role,
  folder: string = process.cwd(),
): Settings<Role> {
  const sources = [environment, readDotEnv(folder)] as const;
  const preset: Readable = role === "worker" ? presetDefaults(sources) : {};
  const values: Partial<Record<SettingName, SettingValue>> = {};
  const problems: SettingProblem[] = [];
  for (const [key, setting] of Object.entries(SETTINGS) as [SettingName, Setting][]) {
    if (!setting.roles.includes(role)) continue;
    const reading = readSetting(setting, (preset[key] ?? setting.default) as SettingValue, sources);
    if ("problem" in reading) problems.push(reading.problem);
    else values[key] = reading.value;
  }
  problems.push(...crossCheck(role, values));
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.freeze(values) as Settings<Role>;
}

/** The secret values among a role's settings, for redaction: those that are set. */
export function secretValues(settings: Pick<Settings, "redisUrl" | "redisPassword">): readonly string[] {
  const secrets = (Object.entries(SETTINGS) as [SettingName, Setting][])
    .filter(([name, { type }]) => type === "secret" && name !== "redisPassword")
    .map(([name]) => (settings as Partial<Settings>)[name])
    .filter((value) => typeof value === "string");
  const all = [
    ...[settings.redisPassword, ...passwordOf(settings.redisUrl)],
    ...secrets.flatMap((value) => [value, ...passwordOf(value)]),
  ];
  return all.filter((value) => value !== "");
}
