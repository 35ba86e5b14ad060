import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { namespaceOf, type RunFile, supervisorOf, workerOf } from "../../../contract/run-file.ts";
import type { Actuator, ManagedWorker, VanishedWorker } from "../../ports/actuator.ts";
import { newWorkerId } from "../../runtime/worker-id.ts";
import { removeWorkerGroup } from "../cgroups/worker-group.ts";
import { identify, isAlive, signalProcess } from "./process-identity.ts";
import { RunDirectory } from "./run-directory.ts";
import { workerEnvironment } from "./worker-environment.ts";
import { WorkerLogs } from "./worker-logs.ts";

export interface ProcessActuatorOptions {
  readonly runDirectory: string;
  readonly logDirectory: string;
  /** The worker image's entry file, run by this process's own Node. */
  readonly main: string;
  /** Environment of this spawner, from which the workers' is made. */
  readonly env: NodeJS.ProcessEnv;
  readonly revision: string;
}

/** Workers as processes of this machine: one detached supervisor each, found again by its run file. */
export class ProcessActuator implements Actuator {
  readonly #options: ProcessActuatorOptions;
  readonly #runs: RunDirectory;
  readonly #logs: WorkerLogs;
  /** Workers that were told to drain; nothing but a signal says so, and a second signal would hurry them. */
  readonly #draining = new Set<string>();

  constructor(options: ProcessActuatorOptions) {
    this.#options = options;
    this.#runs = new RunDirectory(options.runDirectory);
    this.#logs = new WorkerLogs(options.logDirectory);
  }

  async list(): Promise<readonly ManagedWorker[]> {
    const files = await this.#runs.read();
    const known = new Set(files.map((file) => file.worker_id));
    for (const id of this.#draining) if (!known.has(id)) this.#draining.delete(id);
    return files.filter(exists).map((file) => ({
      workerId: file.worker_id,
      revision: file.revision,
      startedAt: file.started_at,
      // A worker whose supervisor died drains by itself.
      draining: this.#draining.has(file.worker_id) || !isAlive(supervisorOf(file)),
    }));
  }

  async start(count: number): Promise<readonly string[]> {
    const started: string[] = [];
    while (started.length < count) started.push(await this.#startOne());
    const live = (await this.#runs.read()).map((file) => file.worker_id);
    await this.#logs.prune(new Set(live));
    return started;
  }

  async drain(workerIds: readonly string[]): Promise<void> {
    const wanted = new Set(workerIds);
    for (const file of await this.#runs.read()) {
      if (!wanted.has(file.worker_id) || this.#draining.has(file.worker_id)) continue;
      if (signalProcess(supervisorOf(file), "SIGTERM")) this.#draining.add(file.worker_id);
    }
  }

  async reap(record: (vanished: VanishedWorker) => Promise<void>): Promise<readonly string[]> {
    const reaped: string[] = [];
    for (const file of await this.#runs.read()) {
      if (exists(file)) continue;
      // Its supervisor did that, unless it was killed.
      const namespace = namespaceOf(file);
      if (namespace !== null) signalProcess(namespace, "SIGKILL");
      await removeWorkerGroup(this.#options.runDirectory, file.worker_id);
      const unnoted = this.#draining.has(file.worker_id) ? "signal" : "error";
      await record({ workerId: file.worker_id, reason: file.exit ?? unnoted });
      await this.#runs.remove(file.worker_id);
      reaped.push(file.worker_id);
    }
    return reaped;
  }

  async #startOne(): Promise<string> {
    const { env, revision, main } = this.#options;
    const workerId = newWorkerId();
    const log = await this.#logs.open(workerId);
    try {
      const child = spawn(process.execPath, [main, "supervise"], {
        env: workerEnvironment(env, { workerId, revision }),
        stdio: ["ignore", log.fd, log.fd],
        detached: true,
      });
      await this.#runs.announce({
        worker_id: workerId,
        revision,
        started_at: Date.now(),
        worker_pid: null,
        worker_start: null,
        ...(await supervisorFields(child)),
      });
      child.unref();
    } finally {
      await log.close();
    }
    return workerId;
  }
}

async function supervisorFields(
  child: ChildProcess,
): Promise<Pick<RunFile, "supervisor_pid" | "supervisor_start">> {
  await once(child, "spawn");
  const { pid } = child;
  if (pid === undefined) throw new Error("the started supervisor has no pid");
  // 0 is no process's start time: one that ended at once is listed as gone, and reaped.
  return { supervisor_pid: pid, supervisor_start: identify(pid)?.start ?? 0 };
}

function exists(file: RunFile): boolean {
  const worker = workerOf(file);
  return isAlive(supervisorOf(file)) || (worker !== null && isAlive(worker));
}
