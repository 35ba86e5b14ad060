import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import { quietPort } from "./quiet-port.ts";
import { waitFor } from "./wait.ts";

const PATH = `/usr/bin:${process.env.PATH ?? ""}`;

/** Why no registry can be started here; `undefined` when one can. */
export function registryProblem(): string | undefined {
  return findOnPath("docker-registry", PATH) === undefined ? "not installed: docker-registry" : undefined;
}

/** A real registry on the loopback, in a folder of its own. */
export class TestRegistry {
  readonly #folder: string;
  readonly #process: ChildProcess;
  /** `127.0.0.1:<port>` */
  readonly host: string;

  private constructor(folder: string, process: ChildProcess, host: string) {
    this.#folder = folder;
    this.#process = process;
    this.host = host;
  }

  static async start(): Promise<TestRegistry> {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-registry-"));
    const host = `127.0.0.1:${await quietPort()}`;
    const config = {
      version: "0.1",
      log: { accesslog: { disabled: true }, level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      http: { addr: host },
    };
    // JSON is YAML too.
    writeFileSync(join(folder, "config.yml"), JSON.stringify(config));
    const program = findOnPath("docker-registry", PATH) ?? "docker-registry";
    const child = spawn(program, ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    const registry = new TestRegistry(folder, child, host);
    await waitFor("the registry", async () => {
      if (child.exitCode !== null) throw new Error("docker-registry ended");
      return fetch(`http://${host}/v2/`).then(
        ({ ok }) => ok,
        () => false,
      );
    });
    return registry;
  }

  /** Puts a manifest of any kind under a tag or digest. */
  async put(repository: string, reference: string, type: string, manifest: string): Promise<void> {
    const answer = await fetch(`http://${this.host}/v2/${repository}/manifests/${reference}`, {
      method: "PUT",
      headers: { "content-type": type },
      body: manifest,
    });
    if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, "exit");
      this.#process.kill("SIGTERM");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
