import { SETTINGS } from "../../../contract/settings.ts";

/** What distinguishes one worker from the others of its fleet. */
export interface WorkerIdentity {
  readonly workerId: string;
  readonly revision: string;
}

const PASSWORD = SETTINGS.redisPassword.env;

/**
 * The environment of a worker: the spawner's own, except that every worker serves /metrics on a free port,
 * and that a password which a file holds is handed on by that file only.
 */
export function workerEnvironment(spawner: NodeJS.ProcessEnv, worker: WorkerIdentity): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...spawner,
    [SETTINGS.httpPort.env]: "0",
    [SETTINGS.workerId.env]: worker.workerId,
    [SETTINGS.revision.env]: worker.revision,
  };
  if (spawner[`${PASSWORD}_FILE`]) delete env[PASSWORD];
  return env;
}
