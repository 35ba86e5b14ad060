import { HostError } from "../errors.ts";
import { checkEngine, findCompose } from "./compose-tool.ts";
import { type HostShell, lastWords, type RunOptions, type ShellEnd } from "./host-shell.ts";

/** A container of the project, as the engine has it. */
export interface ProjectContainer {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  /** Of `docker compose run`: not ours to judge. */
  readonly oneOff: boolean;
  /** `running`, `exited`, `restarting`, `paused`, `created`, `dead` */
  readonly status: string;
  readonly exitCode: number;
  /** `healthy`, `unhealthy`, `starting`; empty without a check. */
  readonly health: string;
  /** Of its last start. */
  readonly startedAt: string;
  /** Compose's hash of the definition that it was made by. */
  readonly configHash: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The project's folder, when it was made. */
  readonly workingDirectory: string;
  /** Paths on the host. */
  readonly mounts: readonly string[];
  readonly ports: readonly PublishedPort[];
}

export interface PublishedPort {
  readonly inside: number;
  readonly address: string;
  readonly port: number;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly StartedAt: string;
    readonly Health?: { readonly Status: string };
  };
  readonly Config: {
    readonly Env: readonly string[] | null;
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly Mounts: readonly { readonly Source?: string }[];
  readonly NetworkSettings: {
    readonly Ports: Readonly<
      Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>
    > | null;
  };
}

const LABEL = "com.docker.compose";

function portsOf({ NetworkSettings }: Inspected): readonly PublishedPort[] {
  return Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, bindings]) =>
    (bindings ?? []).map(({ HostIp, HostPort }) => ({
      inside: Number.parseInt(inside, 10),
      address: HostIp,
      port: Number(HostPort),
    })),
  );
}

function toContainer(found: Inspected): ProjectContainer {
  const { State, Config } = found;
  const label = (name: string) => Config.Labels[`${LABEL}.${name}`] ?? "";
  const variables = (Config.Env ?? []).map((line) => {
    const end = line.indexOf("=");
    return [line.slice(0, end), line.slice(end + 1)] as const;
  });
  return {
    id: found.Id,
    name: found.Name.replace(/^\//, ""),
    service: label("service"),
    oneOff: label("oneoff") === "True",
    status: State.Status,
    exitCode: State.ExitCode,
    health: State.Health?.Status ?? "",
    startedAt: State.StartedAt,
    configHash: label("config-hash"),
    environment: Object.fromEntries(variables),
    workingDirectory: label("project.working_dir"),
    mounts: found.Mounts.flatMap(({ Source }) => (Source === undefined ? [] : [Source])),
    ports: portsOf(found),
  };
}

/** The containers in what `docker inspect` printed. */
export function parseContainers(json: string): readonly ProjectContainer[] {
  return (JSON.parse(json) as readonly Inspected[]).map(toContainer);
}

/** An engine and a Compose, for one project. */
export class ComposeEngine {
  readonly shell: HostShell;
  readonly project: string;
  readonly #compose: readonly string[];

  private constructor(shell: HostShell, project: string, compose: readonly string[]) {
    this.shell = shell;
    this.project = project;
    this.#compose = compose;
  }

  /** @throws HostError when the engine or Compose is not there, or too old. */
  static async open(
    shell: HostShell,
    project: string,
    environment: NodeJS.ProcessEnv,
  ): Promise<ComposeEngine> {
    await checkEngine(shell, environment);
    return new ComposeEngine(shell, project, await findCompose(shell));
  }

  /** `docker WORDS`, whatever its exit code. */
  docker(words: readonly string[], options: RunOptions = {}): Promise<ShellEnd> {
    return this.shell.run(["docker", ...words], options);
  }

  /** What `docker WORDS` printed. */
  async ask(words: readonly string[], options: RunOptions = {}): Promise<string> {
    const end = await this.docker(words, options);
    if (end.code === 0) return end.stdout;
    throw new HostError(`docker ${words[0]} failed on ${this.shell.name}: ${lastWords(end)}`);
  }

  /** `docker compose WORDS` on the files of the folder, whatever its exit code. */
  compose(folder: string, words: readonly string[], options: RunOptions = {}): Promise<ShellEnd> {
    const place = ["--project-directory", folder, "-f", `${folder}/compose.yaml`];
    const all = ["-p", this.project, ...place, "--ansi", "never", "--progress", "quiet", ...words];
    return this.shell.run([...this.#compose, ...all], { directory: folder, ...options });
  }

  /** `docker compose down`, by the engine's labels alone: the files may be gone, or broken by hand. */
  composeDown(words: readonly string[], options: RunOptions): Promise<ShellEnd> {
    const all = ["-p", this.project, "--ansi", "never", "--progress", "quiet", "down", ...words];
    return this.shell.run([...this.#compose, ...all], { directory: "/", ...options });
  }

  /** All containers of the project, running or not. */
  async containers(): Promise<readonly ProjectContainer[]> {
    const filter = `label=${LABEL}.project=${this.project}`;
    const ids = (await this.ask(["ps", "--all", "--quiet", "--no-trunc", "--filter", filter])).split("\n");
    const known = ids.filter((id) => id !== "");
    if (known.length === 0) return [];
    // A container may go between the two questions: what is printed of the others counts.
    const end = await this.docker(["inspect", "--type", "container", ...known]);
    if (end.code !== 0 && !/No such/i.test(end.stderr))
      throw new HostError(`docker inspect failed on ${this.shell.name}: ${lastWords(end)}`);
    return parseContainers(end.stdout);
  }
}
