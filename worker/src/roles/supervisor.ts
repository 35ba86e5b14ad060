/**
 * The role `supervise`: a small parent of one worker. It keeps the worker's run file, passes signals on and
 * records why the worker ended, which a killed process cannot do itself.
 */
import { EXIT } from "../../contract/exit-codes.ts";
import type { RunFile } from "../../contract/run-file.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { loadSettings } from "../config/load-settings.ts";
import { newWorkerId } from "../runtime/worker-id.ts";
import { OwnRunFile, startTime } from "../supervisor/own-run-file.ts";
import { recordExit } from "../supervisor/record-exit.ts";
import { ScratchParent } from "../supervisor/scratch-parent.ts";
import { SupervisedWorker } from "../supervisor/supervised-worker.ts";

/** Beyond the worker's own limits: for its last outcomes to be written and its connections to be closed. */
const STOP_MARGIN_MS = 10_000;

/**
 * Starts a worker (`<this Node> <this main module> worker`), waits for its end and records the reason. Returns
 * 0, or 1 when the worker failed.
 * @throws SettingsError when the worker could not start either.
 */
export async function runSupervisor(env: NodeJS.ProcessEnv): Promise<number> {
  const settings = loadSettings(env, "worker");
  const workerId = settings.workerId === "" ? newWorkerId() : settings.workerId;
  const runFile = new OwnRunFile(settings.runDirectory, workerId);
  const scratch = new ScratchParent();
  const worker = new SupervisedWorker({
    node: process.execPath,
    main: process.argv[1] ?? "",
    env: { ...env, ...scratch.make(), [SETTINGS.workerId.env]: workerId },
    patienceMs: (settings.gracefulShutdownTimeout + settings.cancelGrace) * 1000 + STOP_MARGIN_MS,
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => worker.signal(signal));
  const file: RunFile = {
    worker_id: workerId,
    supervisor_pid: process.pid,
    supervisor_start: startTime(process.pid),
    worker_pid: worker.pid,
    worker_start: worker.pid === null ? null : startTime(worker.pid),
    revision: settings.revision,
    started_at: Date.now(),
  };
  runFile.write(file);
  const reason = await worker.ended();
  await scratch.remove();
  runFile.note(file, reason);
  // A run file that stays tells the spawner to record the exit in the supervisor's place.
  if (await recordExit(settings, workerId, reason)) runFile.remove();
  return reason === "error" ? EXIT.failed : EXIT.ok;
}
