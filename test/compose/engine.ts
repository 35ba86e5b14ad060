import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Compose as the set-up puts it into the user's cache. */
function composeBinary(): string | undefined {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "taskfleet", "compose");
  const versions = existsSync(folder) ? readdirSync(folder) : [];
  return versions.map((version) => join(folder, version, "docker-compose")).find(existsSync);
}

/** The engine of the tests of Compose: `TASKFLEET_TEST_ENGINE`, for as long as a test needs it in `DOCKER_HOST`. */
export class TestEngine {
  readonly #before = process.env.DOCKER_HOST;
  readonly binary = composeBinary() ?? "docker-compose";

  async start(context: Mocha.Context): Promise<void> {
    const address = process.env.TASKFLEET_TEST_ENGINE;
    if (address === undefined) context.skip();
    process.env.DOCKER_HOST = address;
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

  /** `docker compose`, by hand in the folder. */
  compose(folder: string, project: string, ...words: readonly string[]): string {
    return this.composeWith({}, folder, project, ...words);
  }

  composeWith(
    environment: NodeJS.ProcessEnv,
    folder: string,
    project: string,
    ...words: readonly string[]
  ): string {
    const env = { ...process.env, ...environment };
    const options = { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] } as const;
    return execFileSync(this.binary, ["-p", project, ...words], options);
  }

  async stop(): Promise<void> {
    if (this.#before === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = this.#before;
  }
}
