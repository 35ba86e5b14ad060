import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import { PATHS } from "../../components/paths.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";

/** Compose as the set-up puts it into the user's cache, or the one on PATH. */
function composeBinary(): string | undefined {
  const folder = join(PATHS.cache, "compose");
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  const cached = versions.map((version) => join(folder, version, "docker-compose")).find(existsSync);
  return cached ?? findOnPath("docker-compose", process.env.PATH ?? "");
}

/** The engine of the tests of Compose, in this process' `DOCKER_HOST` from `start` to `stop`. */
export class TestEngine {
  readonly #before = process.env.DOCKER_HOST;
  readonly #engine = new DockerEngine({ networks: true });
  readonly #compose = composeBinary();

  /** Skips the tests of `context` where there can be none. */
  async start(context: Mocha.Context): Promise<void> {
    const problem =
      engineProblem({ networks: true }) ??
      (this.#compose === undefined ? "there is no Docker Compose: run ./taskfleet setup" : undefined);
    if (problem !== undefined) {
      console.log(`    skipped: ${problem}`);
      context.skip();
    }
    await this.#engine.start();
    process.env.DOCKER_HOST = this.#engine.host;
  }

  get composeProgram(): string {
    return this.#compose ?? "docker-compose";
  }

  get host(): string {
    return this.#engine.host;
  }

  run(...words: readonly string[]): string {
    return execFileSync("docker", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  }

  /** Ids of a project's containers, of one service or of all. */
  ps(project: string, service?: string): readonly string[] {
    const labels = [`project=${project}`, ...(service === undefined ? [] : [`service=${service}`])];
    const filters = labels.flatMap((label) => ["--filter", `label=com.docker.compose.${label}`]);
    return this.run("ps", "-aq", ...filters)
      .split("\n")
      .filter((id) => id !== "");
  }

  /** `docker compose`, by hand in the folder, with these variables in the shell. */
  compose(
    environment: NodeJS.ProcessEnv,
    folder: string,
    project: string,
    ...words: readonly string[]
  ): string {
    return execFileSync(this.composeProgram, ["-p", project, ...words], {
      cwd: folder,
      env: { ...process.env, ...environment },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async stop(): Promise<void> {
    await this.#engine.stop();
    if (this.#before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = this.#before;
  }
}
