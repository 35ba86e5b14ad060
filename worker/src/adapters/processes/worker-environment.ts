import { SETTINGS, type Setting } from "../../../contract/settings.ts";

/** What distinguishes one worker from the others of its fleet. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly revision: string;
}

const PASSWORD = SETTINGS.redisPassword.env;

/** Variables of settings that no worker reads, such as the database's: they would only be there to be found. */
const FOREIGN: readonly string[] = Object.values<Setting>(SETTINGS)
  .filter(({ roles }) => !roles.includes("worker"))
  .flatMap(({ env }) => [env, `${env}_FILE`]);

/**
 * The environment of a worker: the spawner's own without what only other roles read, except that every worker
 * serves /metrics on a free port, and that a password which a file holds is handed on by that file only.
 */
export function workerEnvironment(spawner: NodeJS.ProcessEnv, worker: WorkerIdentity): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...spawner,
    [SETTINGS.httpPort.env]: "0",
    [SETTINGS.workerId.env]: worker.workerId,
    [SETTINGS.revision.env]: worker.revision,
  };
  for (const name of FOREIGN) delete env[name];
  if (spawner[`${PASSWORD}_FILE`]) delete env[PASSWORD];
  return env;
}
