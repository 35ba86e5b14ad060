/** The start of a role: settings, secrets, handlers and what they require. What is wrong is said all at once. */
import { SETTINGS } from "../../contract/settings.ts";
import type { HandlersError } from "../handlers/handlers-error.ts";
import { type LoadedHandler, loadHandlers } from "../handlers/load-handlers.ts";
import { missingFiles, missingSecrets, requiredSecrets } from "../handlers/requirements.ts";
import { openSecrets, type RoleSecrets, type SourcedSettings } from "../secrets/open-secrets.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { lookUp, readDotEnv, type Variables } from "./environment.ts";
import { loadSettings, type Settings } from "./load-settings.ts";
import { StartProblems } from "./start-problems.ts";

type Role = "worker" | "spawner";
type Handlers = ReadonlyMap<string, LoadedHandler>;

/** Of the environment alone, where the settings that say more are wrong. */
const PLAIN = { redisUrl: "redis://127.0.0.1", redisPassword: "", secretSources: [], secretRefresh: 60 };

function orderly(handlers: Handlers | undefined, error: HandlersError | undefined): readonly LoadedHandler[] {
  return handlers === undefined
    ? ((error?.others ?? []) as readonly LoadedHandler[])
    : [...handlers.values()];
}

async function lookAtRequirements(
  problems: StartProblems,
  handlers: readonly LoadedHandler[],
  secrets: Secrets | undefined,
): Promise<void> {
  if (secrets !== undefined) {
    const needed = await problems.look(async () => {
      await secrets.need(requiredSecrets(handlers));
      return true;
    });
    if (needed) problems.missing(missingSecrets(handlers, (name) => secrets.get(name)));
  }
  problems.missing(await missingFiles(handlers));
}

/** Settings or sources are wrong already: looks at everything else that can be looked at, and throws. */
async function throwAll(problems: StartProblems, env: Variables, settingsWrong: boolean): Promise<never> {
  const dotEnv = readDotEnv(process.cwd());
  const folder = lookUp(SETTINGS.handlers.env, env, dotEnv)?.trim() ?? "";
  const handlers = await problems.look(() => loadHandlers({ folder }));
  const onlyEnvironment = lookUp(SETTINGS.secretSources.env, env, dotEnv) === undefined;
  const opened =
    settingsWrong && onlyEnvironment
      ? await problems.look(() => openSecrets(env, PLAIN, "worker"))
      : undefined;
  await lookAtRequirements(problems, orderly(handlers, problems.handlersError()), opened?.secrets);
  problems.throwIfAny();
  throw new Error("a start that failed has problems");
}

/**
 * A role's settings, with the secrets that only a source has, and its secrets.
 * @throws SettingsError, SecretsError, or StartError when further things are wrong.
 */
export async function openStart<Name extends Role>(
  env: Variables,
  role: Name,
): Promise<RoleSecrets<Settings<Name> & SourcedSettings>> {
  const problems = new StartProblems();
  const settings = await problems.look(() => loadSettings(env, role) as Settings<Name> & SourcedSettings);
  if (settings === undefined) return throwAll(problems, env, true);
  const opened = await problems.look(() => openSecrets(env, settings, role));
  return opened ?? throwAll(problems, env, false);
}

/**
 * Loads handlers, and has what they require.
 * @throws HandlersError, SecretsError, or StartError when something is missing or several things are wrong.
 */
export async function requireAll(secrets: Secrets, load: () => Promise<Handlers>): Promise<Handlers> {
  const problems = new StartProblems();
  const handlers = await problems.look(load);
  await lookAtRequirements(problems, orderly(handlers, problems.handlersError()), secrets);
  problems.throwIfAny();
  return handlers ?? new Map();
}
