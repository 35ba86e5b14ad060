import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startCli } from "../../cli/support.ts";
import { quietPort } from "../../support/quiet-port.ts";
import { waitFor } from "../../support/wait.ts";

const HANDLERS = fileURLToPath(new URL("../../../examples/handlers", import.meta.url));
const KEY = ["a", "key", "of", "the", "test"].join("-");

/** A spawner, two workers and an API as processes, which know their servers by the environment alone. */
export interface ProcessFleet {
  readonly env: Readonly<Record<string, string>>;
  /** Pushes over HTTP: status and body. */
  push(task: object): Promise<{ readonly status: number; readonly body: string }>;
  /** Which of them have ended. */
  ended(): readonly string[];
  /** Kills them all, as a machine that is gone. */
  kill(): Promise<void>;
  /** Ends them all and returns their exit codes by name. */
  stop(): Promise<Readonly<Record<string, number | null>>>;
}

export async function startFleet(env: Readonly<Record<string, string>>): Promise<ProcessFleet> {
  const port = await quietPort();
  const all = {
    ...{ TASKFLEET_HANDLERS: HANDLERS, TASKFLEET_API_KEY: KEY, TASKFLEET_API_PORT: String(port) },
    // Long enough for a busy machine: no worker may be taken for dead that is not.
    ...{ TASKFLEET_LEASE: "6", TASKFLEET_SWEEP_INTERVAL: "0.5", TASKFLEET_LEADER_LEASE: "2" },
    ...{ WORKER_CONCURRENCY: "4", WORKER_IDLE_EXIT: "0", WORKER_POLL_INTERVAL: "0.5" },
    ...{ TASKFLEET_API_RATE: "0", TASKFLEET_GRACEFUL_SHUTDOWN_TIMEOUT: "10", LOG_LEVEL: "error" },
    ...env,
  };
  const roles: Readonly<Record<string, string>> = {
    spawner: "spawner",
    "worker-1": "worker",
    "worker-2": "worker",
    api: "api",
  };
  const children = new Map<string, ChildProcess>();
  for (const [name, role] of Object.entries(roles)) {
    const child = startCli([role], { env: all });
    child.stdout?.resume();
    child.stderr?.on("data", (text: Buffer) => process.stderr.write(`${name}: ${text}`));
    children.set(name, child);
  }
  const push = async (task: object) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/tasks`, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify(task),
    });
    return { status: answer.status, body: await answer.text() };
  };
  const gone = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null;
  const ended = () => [...children].flatMap(([name, child]) => (gone(child) ? [name] : []));
  await waitFor("the API to be ready", async () => {
    if (ended().length > 0) throw new Error(`ended at its start: ${ended().join(", ")}`);
    return fetch(`http://127.0.0.1:${port}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  });
  return {
    ...{ env: all, push, ended },
    kill: async () => {
      const left = [...children.values()].filter((child) => !gone(child));
      const exits = left.map((child) => once(child, "exit"));
      for (const child of left) child.kill("SIGKILL");
      await Promise.all(exits);
    },
    stop: async () => {
      const codes = [...children].map(async ([name, child]) => {
        if (!gone(child)) {
          const exit = once(child, "exit");
          child.kill("SIGTERM");
          await exit;
        }
        return [name, child.exitCode] as const;
      });
      return Object.fromEntries(await Promise.all(codes));
    },
  };
}
