import { parseContainers, type WorkerContainer } from "./container.ts";
import { runCommand } from "./run-command.ts";

/** An engine that starts dozens of containers on a busy machine is slow to answer. */
const CALL_MS = 30_000;
/** What is gone, or no longer runs, has ended already. */
const GONE = /No such container|is not running|already in progress/;

/** The containers of one Compose project, by Docker's client. */
export class Engine {
  readonly #project: string;
  readonly #env: NodeJS.ProcessEnv;

  /** `env`: of `dockerEnvironment`. */
  constructor(project: string, env: NodeJS.ProcessEnv) {
    this.#project = project;
    this.#env = env;
  }

  /** All containers of a service, ended ones too; those of `docker compose run` are none of them. */
  async containers(service: string): Promise<WorkerContainer[]> {
    const labels = { project: this.#project, service, oneoff: "False" };
    const filters = Object.entries(labels).flatMap(([name, value]) => [
      "--filter",
      `label=com.docker.compose.${name}=${value}`,
    ]);
    const listed = await this.#docker("container", "ls", "--all", "--quiet", "--no-trunc", ...filters);
    const ids = listed.split("\n").filter((id) => id !== "");
    if (ids.length === 0) return [];
    return parseContainers((await this.#docker("container", "inspect", ...ids)) || "[]");
  }

  /** Sends a signal; who has ended is no error. */
  async kill(ids: readonly string[], signal: "TERM" | "KILL"): Promise<void> {
    if (ids.length > 0) await this.#docker("container", "kill", "--signal", signal, ...ids);
  }

  /** Removes ended containers; who is gone is no error. */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#docker("container", "rm", "--volumes", ...ids);
  }

  #docker(...words: readonly string[]): Promise<string> {
    return runCommand(["docker", ...words], { env: this.#env, timeoutMs: CALL_MS, harmless: GONE });
  }
}
