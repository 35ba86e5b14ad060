/** A role's secrets, from the environment and what `TASKFLEET_SECRET_SOURCES` names. */
import { parseSource, SOURCE_FORMS, type SourceSpec, SUPERVISOR } from "../../contract/secret-sources.ts";
import { SETTINGS, type Setting, type SettingName, type SettingRole } from "../../contract/settings.ts";
import { EnvironmentSource } from "../adapters/secrets/environment.ts";
import { readDotEnv, type Variables } from "../config/environment.ts";
import { type Settings, secretValues } from "../config/load-settings.ts";
import type { SecretSource } from "../ports/secret-source.ts";
import { Secrets } from "./secrets.ts";

export type SourcedSettings = Pick<
  Settings,
  "redisUrl" | "redisPassword" | "secretSources" | "secretRefresh"
>;

export interface RoleSecrets<Given extends SourcedSettings> {
  readonly secrets: Secrets;
  /** The settings, with those secrets that only a source has. */
  readonly settings: Given;
}

/**
 * The value that counts now of a setting of type secret: it may rotate while the role runs. `openSecrets` has the
 * sources follow it.
 */
export function currentSetting<Name extends SettingName>(
  secrets: Pick<Secrets, "get">,
  settings: Readonly<Record<Name, string>>,
  name: Name,
): string {
  return secrets.get(SETTINGS[name].env) ?? settings[name];
}

/** What a role logs in with again and again. */
const FOLLOWED = [
  "redisPassword",
  "databaseUrl",
  "pgPassword",
  "databaseBackupUrl",
] as const satisfies readonly SettingName[];

/** Those of a role that have a value. */
function followed(settings: object, role: SettingRole): readonly string[] {
  const names = FOLLOWED.filter((name) => (SETTINGS[name].roles as readonly SettingRole[]).includes(role));
  return names.filter((name) => (settings as Partial<Settings>)[name]).map((name) => SETTINGS[name].env);
}

/** Clients of clouds are loaded only where a source needs them. */
async function openSource(spec: SourceSpec, env: Variables): Promise<SecretSource> {
  switch (spec.type) {
    case "file":
      return (await import("../adapters/secrets/file.ts")).fileSource(spec.path, spec.name);
    case "aws":
      return (await import("../adapters/secrets/aws.ts")).awsSource(spec);
    case "gcp":
      return (await import("../adapters/secrets/gcp.ts")).gcpSource(spec, env);
    case "vault":
      return (await import("../adapters/secrets/vault.ts")).vaultSource(spec, env);
    case "supervisor":
      return (await import("../runtime/secret-link.ts")).supervisorSource();
  }
}

function specOf(item: string): SourceSpec {
  const spec = parseSource(item);
  if (spec === undefined) throw new Error(`${SETTINGS.secretSources.env} is checked to hold ${SOURCE_FORMS}`);
  return spec;
}

/** The role's settings of type secret that have no value. */
function unset(settings: object, role: SettingRole): readonly (readonly [SettingName, string])[] {
  return (Object.entries(SETTINGS) as [SettingName, Setting][])
    .filter(([, { type, roles }]) => type === "secret" && roles.includes(role))
    .filter(([name]) => (settings as Partial<Settings>)[name] === "")
    .map(([name, { env }]) => [name, env] as const);
}

/**
 * Opens the sources and reads them. `folder`: where `.env` is; default: the working directory. What changes is told
 * by `secrets.report`; end it with `secrets.stop()`.
 * @throws SecretsError with every source that cannot be read.
 */
export async function openSecrets<Given extends SourcedSettings>(
  env: Variables,
  settings: Given,
  role: SettingRole,
  folder: string = process.cwd(),
): Promise<RoleSecrets<Given>> {
  const environments = [env, readDotEnv(folder)];
  const variables = { ...environments[1], ...env };
  const further = await Promise.all(
    settings.secretSources.map((item) => openSource(specOf(item), variables)),
  );
  const secrets = await Secrets.open({
    sources: [new EnvironmentSource(environments), ...further],
    refreshMs: settings.secretRefresh * 1000,
    now: Date.now,
    guarded: secretValues(settings),
  });
  // With the environment alone, settings that are not set there are not set; a supervisor gave them to its worker.
  if (further.length === 0 || settings.secretSources.includes(SUPERVISOR)) {
    await secrets.need(followed(settings, role));
    return { secrets, settings };
  }
  const names = unset(settings, role);
  await secrets.need(names.map(([, variable]) => variable));
  const found = names.map(([name, variable]) => [name, secrets.get(variable) ?? ""] as const);
  const filled = Object.freeze({ ...settings, ...Object.fromEntries(found) });
  secrets.guard(secretValues(filled));
  await secrets.need(followed(filled, role));
  return { secrets, settings: filled };
}
