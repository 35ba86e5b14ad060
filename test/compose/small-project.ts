import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import { composeProject } from "../../components/hosts/compose/compose-project.ts";
import type {
  ComposeProjectInputs,
  PlannedFile,
  RecordedProject,
} from "../../components/hosts/compose/project-inputs.ts";

/** Programs of busybox alone; a second one, of another digest, with `label`. */
export function busyboxImage(
  docker: (...words: readonly string[]) => string,
  name: string,
  label: string,
): void {
  const root = mkdtempSync(join(tmpdir(), "taskfleet-busybox-"));
  try {
    chmodSync(root, 0o755);
    for (const folder of ["bin", "tmp", "proc", "sys", "dev", "etc"]) mkdirSync(join(root, folder));
    copyFileSync(findOnPath("busybox", "/bin:/usr/bin") ?? "busybox", join(root, "bin/busybox"));
    for (const program of ["sh", "sleep", "cat", "nc", "test", "echo", "true"])
      symlinkSync("busybox", join(root, "bin", program));
    execFileSync("tar", ["-C", root, "-cf", `${root}.tar`, "."]);
    docker("import", "-c", `LABEL edition=${label}`, "-c", "ENV PATH=/bin", `${root}.tar`, name);
  } finally {
    rmSync(root, { recursive: true, force: true });
    rmSync(`${root}.tar`, { force: true });
  }
}

/** What every service of a small project has, so that it is quick and small. */
const COMMON = `
    image: \${TASKFLEET_IMAGE}
    init: true
    stop_grace_period: 2s
    pids_limit: 32`;

const HEALTH = (test: string) => `
    healthcheck: { test: ["CMD-SHELL", "${test}"], interval: 200ms, timeout: 5s, retries: 50 }`;

export interface SmallProjectOptions {
  readonly port: number;
  readonly greeting?: string;
  /** Shell's condition under which the service `server` is healthy. */
  readonly healthy?: string;
  readonly serverCommand?: string;
}

/** A project with one service of each kind: one-shot, fixed (with files and a port), interpolated, scaled. */
export function smallComposeFile({
  port,
  greeting = "hello",
  healthy = "true",
  serverCommand,
}: SmallProjectOptions): string {
  return `services:
  database-setup:${COMMON}
    command: ["true"]
  server:${COMMON}
    command: ["sh", "-c", "${serverCommand ?? "exec nc -ll -p 8000 -e cat /run/secrets/password"}"]
    environment: { GREETING: "${greeting}" }
    depends_on: { database-setup: { condition: service_completed_successfully } }
    ports: ["127.0.0.1:${port}:8000"]
    volumes: ["data:/data", "./observability/server.conf:/etc/server.conf:ro"]
    secrets: [password]${HEALTH(healthy)}
  other:${COMMON}
    command: ["sleep", "86400"]
  watch-queue:${COMMON}
    command: ["sleep", "86400"]
    environment: { WORKER_CONCURRENCY: "\${WORKER_CONCURRENCY:-4}", TASKFLEET_REVISION: "one" }
  worker:${COMMON}
    command: ["sh", "-c", "trap 'echo finished >/data/finished; exit' TERM; sleep 86400 & wait"]
    environment: { WORKER_CONCURRENCY: "\${WORKER_CONCURRENCY:-4}", TASKFLEET_REVISION: "one" }
    volumes: ["data:/data"]
    deploy: { replicas: 0 }
volumes: { data: {} }
secrets: { password: { file: ./secrets/password } }
`;
}

const fixed = { scaled: false, interpolated: false, replicas: 1 };

/** A small project on an engine, with a folder of its own, and what is recorded of it. */
export class SmallProject {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "taskfleet small-")));
  readonly name = `project-small-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly image: string;

  constructor(image: string) {
    this.image = image;
  }

  get directory(): string {
    return join(this.folder, "the project's");
  }

  inputs(composeFile: string, changes: Partial<ComposeProjectInputs> = {}): ComposeProjectInputs {
    const file = (content: string, mode = "0444"): PlannedFile => ({ content, mode });
    return {
      project: this.name,
      directory: this.directory,
      host: { kind: "local" },
      files: {
        "compose.yaml": file(composeFile),
        ".env": file("OTHER=1\n", "0644"),
        "observability/server.conf": file("level: 1\n"),
        "secrets/password": file("first secret"),
      },
      services: {
        "database-setup": fixed,
        server: fixed,
        other: fixed,
        "watch-queue": { ...fixed, interpolated: true },
        worker: { scaled: true, interpolated: true, replicas: 0 },
      },
      images: { TASKFLEET_IMAGE: this.image },
      readySeconds: 60,
      stopSeconds: 20,
      deleteData: false,
      record: join(this.folder, "record.json"),
      ...changes,
    };
  }

  withFile(inputs: ComposeProjectInputs, path: string, content: string): ComposeProjectInputs {
    return { ...inputs, files: { ...inputs.files, [path]: { content, mode: "0444" } } };
  }

  async create(inputs: ComposeProjectInputs): Promise<RecordedProject> {
    const { state } = await composeProject.create(inputs);
    return { ...inputs, ...state };
  }

  async update(olds: RecordedProject, news: ComposeProjectInputs): Promise<RecordedProject> {
    return { ...news, ...(await composeProject.update(olds, news)) };
  }

  async refresh(state: RecordedProject): Promise<RecordedProject> {
    return { ...state, ...(await composeProject.read(state)) };
  }

  /** Leaves nothing of it, however far it came. */
  async destroy(inputs: ComposeProjectInputs): Promise<void> {
    const state = {
      folder: this.directory,
      imageIds: {},
      variables: {},
      drift: {},
      replicas: {},
      published: {},
    };
    await composeProject.delete({ ...inputs, ...state, stopSeconds: 0, deleteData: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
