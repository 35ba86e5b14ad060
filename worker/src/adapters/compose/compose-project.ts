import { stat } from "node:fs/promises";
import { join } from "node:path";
import { SETTINGS } from "../../../contract/settings.ts";
import { EngineError, runCommand } from "./run-command.ts";

export interface ComposeProjectOptions {
  readonly project: string;
  /** The project's folder. */
  readonly directory: string;
  /** Words that start Compose. */
  readonly command: string;
  /** Of `composeEnvironment`. */
  readonly env: NodeJS.ProcessEnv;
}

/** Images may have to be pulled. */
const UP_MS = 15 * 60_000;
const CONFIG_MS = 60_000;
/** Files that say what a service is; another time or size of one, and they are read again. */
const FILES = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml", ".env"].flatMap(
  (name) => [name, name.replace(/^(docker-)?compose/, "$&.override")],
);

interface Config {
  readonly services?: Readonly<Record<string, { readonly environment?: Readonly<Record<string, unknown>> }>>;
}

/** A Compose project, by Compose's own command line in the project's folder. */
export class ComposeProject {
  readonly #options: ComposeProjectOptions;
  #seen = "";
  #config: Config | null = null;

  constructor(options: ComposeProjectOptions) {
    this.#options = options;
  }

  /**
   * Creates and starts containers until the service has so many. What exists is left as it is.
   * @throws EngineError with Compose's own words.
   */
  async up(service: string, replicas: number, signal: AbortSignal): Promise<void> {
    const scale = ["--scale", `${service}=${replicas}`];
    const words = ["up", "--detach", "--no-recreate", "--no-deps", "--no-build", ...scale, service];
    await this.#compose(words, UP_MS, signal);
  }

  /**
   * The revision that new containers of a service would have; "": none is given.
   * @throws EngineError when the project cannot be read, or has no such service.
   */
  async revision(service: string): Promise<string> {
    const found = (await this.#read()).services?.[service];
    if (found === undefined)
      throw new EngineError(
        `the project in ${this.#options.directory} has no service "${service}": correct ${SETTINGS.watch.env}`,
      );
    return String(found.environment?.[SETTINGS.revision.env] ?? "");
  }

  async #read(): Promise<Config> {
    const seen = await this.#fingerprint();
    if (this.#config === null || seen !== this.#seen) {
      const text = await this.#compose(["config", "--format", "json"], CONFIG_MS);
      this.#config = JSON.parse(text) as Config;
      this.#seen = seen;
    }
    return this.#config;
  }

  async #fingerprint(): Promise<string> {
    const marks = FILES.map(async (name) => {
      const found = await stat(join(this.#options.directory, name)).catch(() => null);
      return found === null ? "" : `${name} ${found.mtimeMs} ${found.size} ${found.ino}`;
    });
    return (await Promise.all(marks)).join("\n");
  }

  #compose(words: readonly string[], timeoutMs: number, signal?: AbortSignal): Promise<string> {
    const { command, project, directory, env } = this.#options;
    const program = command.split(/\s+/).filter((word) => word !== "");
    const names = ["--project-name", project, "--ansi", "never", "--progress", "plain"];
    // Without --file, in the folder: so it reads what a person there would start.
    return runCommand([...program, ...names, ...words], {
      ...{ env, timeoutMs, cwd: directory },
      ...(signal === undefined ? {} : { signal }),
    });
  }
}
