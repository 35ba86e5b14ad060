/**
 * The role `supervise`: a small parent of one worker. It keeps the worker's run file, passes signals on and
 * records why the worker ended, which a killed process cannot do itself.
 */
import { EXIT } from "../../contract/exit-codes.ts";
import { passwordsIn, withoutPassword } from "../../contract/redis-url.ts";
import type { RunFile } from "../../contract/run-file.ts";
import { SUPERVISOR } from "../../contract/secret-sources.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { removeWorkerGroup } from "../adapters/cgroups/worker-group.ts";
import { readDotEnv } from "../config/environment.ts";
import { loadSettings, type Settings } from "../config/load-settings.ts";
import { readSecret } from "../config/read-secret.ts";
import { newWorkerId } from "../runtime/worker-id.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { chooseStart } from "../supervisor/confined-start.ts";
import { HistoryKeeper } from "../supervisor/history-keeper.ts";
import { OwnRunFile, startTime } from "../supervisor/own-run-file.ts";
import { recordExit } from "../supervisor/record-exit.ts";
import { ScratchParent } from "../supervisor/scratch-parent.ts";
import { SecretChannel, withoutSecrets } from "../supervisor/secret-channel.ts";
import { SECRET_DESCRIPTOR, SupervisedWorker } from "../supervisor/supervised-worker.ts";

/** Beyond the worker's own limits: for its last outcomes to be written and its connections to be closed. */
const STOP_MARGIN_MS = 10_000;

/**
 * Starts a worker (`<this Node> <this main module> worker`), waits for its end and records the reason. Returns
 * 0, or 1 when the worker failed.
 * @throws SettingsError when the worker could not start either.
 */
export async function runSupervisor(env: NodeJS.ProcessEnv): Promise<number> {
  const given = loadSettings(env, "worker");
  const open = async () => (await import("../secrets/open-secrets.ts")).openSecrets(env, given, "worker");
  const own = given.confine && given.secretSources.length > 0 ? await open() : null;
  const settings = own?.settings ?? given;
  const workerId = settings.workerId === "" ? newWorkerId() : settings.workerId;
  const runFile = new OwnRunFile(settings.runDirectory, workerId);
  const scratch = new ScratchParent();
  const start = chooseStart(settings, workerId, process.argv[1] ?? "", scratch.make());
  const channel = new SecretChannel(
    async (): Promise<Secrets> => (own ?? (await open())).secrets,
    (message) => worker.tell(message),
  );
  const history = new HistoryKeeper(settings, (message) => worker.tell(message));
  const worker: SupervisedWorker = new SupervisedWorker({
    ...start,
    onNeeds: (names) => void channel.asked(names),
    onHistory: (lines) => history.write(lines),
    env: {
      ...(settings.confine ? confinedEnvironment(env, settings, start.secret) : env),
      ...start.env,
      [SETTINGS.workerId.env]: workerId,
    },
    patienceMs: (settings.gracefulShutdownTimeout + settings.cancelGrace) * 1000 + STOP_MARGIN_MS,
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => worker.signal(signal));
  const [pid, namespace] = await Promise.all([worker.pid, worker.namespace]);
  const file: RunFile = {
    worker_id: workerId,
    supervisor_pid: process.pid,
    supervisor_start: startTime(process.pid),
    worker_pid: pid,
    worker_start: pid === null ? null : startTime(pid),
    ...(namespace === null ? {} : { namespace_pid: namespace.pid, namespace_start: namespace.start }),
    revision: settings.revision,
    started_at: Date.now(),
  };
  runFile.write(file);
  const reason = await worker.ended();
  if (settings.confine) await removeGroup(settings.runDirectory, workerId);
  await scratch.remove();
  await channel.stop();
  runFile.note(file, reason);
  // A run file that stays tells the spawner to record the exit in the supervisor's place.
  const redisPassword = passwordNow(env, settings, own?.secrets);
  if (await recordExit({ ...settings, redisPassword }, workerId, reason)) runFile.remove();
  return reason === "error" ? EXIT.failed : EXIT.ok;
}

/** It may have rotated in the hours since the start. */
function passwordNow(
  env: NodeJS.ProcessEnv,
  settings: Settings<"worker">,
  secrets: Secrets | undefined,
): string {
  const found = secrets?.get(SETTINGS.redisPassword.env);
  if (found !== undefined) return found;
  const reading = readSecret(SETTINGS.redisPassword, [env, readDotEnv(process.cwd())]);
  return "value" in reading && reading.value !== "" ? reading.value : settings.redisPassword;
}

/**
 * A confined worker gets its password by a descriptor, and other secrets from its supervisor: its environment can be
 * read by the programs that it starts.
 */
function confinedEnvironment(
  env: NodeJS.ProcessEnv,
  { redisUrl, tracing, azureMonitor }: Settings<"worker">,
  secret: string,
): NodeJS.ProcessEnv {
  const { env: password } = SETTINGS.redisPassword;
  return {
    ...withoutSecrets(env),
    ...(passwordsIn(redisUrl).length === 0 ? {} : { [SETTINGS.redisUrl.env]: withoutPassword(redisUrl) }),
    ...(secret === "" ? {} : { [`${password}_FILE`]: `/dev/fd/${SECRET_DESCRIPTOR}` }),
    [SETTINGS.secretSources.env]: SUPERVISOR,
    // Where its spans go is a secret: it asks for that when it knows that there are any.
    [SETTINGS.tracing.env]: String(tracing || azureMonitor !== ""),
  };
}

/** What is left of the worker's programs ends with its group. */
async function removeGroup(runDirectory: string, workerId: string): Promise<void> {
  await removeWorkerGroup(runDirectory, workerId).catch((error: unknown) => {
    process.stderr.write(`${workerId}: its control group cannot be removed: ${String(error)}\n`);
  });
}
