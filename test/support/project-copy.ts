import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { engineDirectory } from "../../components/paths.ts";

const ROOT = resolve(import.meta.dirname, "../..");

export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

/** A command that still runs. */
export interface RunningCommand {
  readonly end: Promise<CommandEnd>;
  /** As Ctrl-C in a terminal does: to the command and all that it runs in the foreground. */
  interrupt(): void;
}

/** Variables of the developer's shell that would lead a test to the developer's own stack. */
const OF_THE_DEVELOPER = /^(?:PULUMI_|REDIS|TASKFLEET_|WORKER_)/;

/**
 * A checkout of the working tree as it is now, with a git history and state of its own and this one's
 * npm packages. Stacks in it are apart from the developer's.
 */
export class ProjectCopy {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), "taskfleet-project-")));
  readonly state = join(this.root, ".taskfleet");
  readonly environment: NodeJS.ProcessEnv;

  constructor() {
    const kept = Object.entries(process.env).filter(([name]) => !OF_THE_DEVELOPER.test(name));
    const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
    this.environment = { ...Object.fromEntries(kept), PATH: path };
    const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const files = execFileSync("git", list, { cwd: ROOT, encoding: "utf8" }).split("\0").filter(Boolean);
    for (const file of files) {
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      // A file may be gone from the working tree and not yet from the index.
      cpSync(join(ROOT, file), join(this.root, file), { force: true, preserveTimestamps: true });
    }
    symlinkSync(join(ROOT, "node_modules"), join(this.root, "node_modules"));
    this.#git("init", "--quiet");
    // The rule of .gitignore is for a folder; here it is a link.
    execFileSync("sh", ["-c", "echo node_modules >> .git/info/exclude"], { cwd: this.root });
    this.#git("add", "--all");
    this.#git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "copy");
  }

  #git(...words: readonly string[]): string {
    return execFileSync("git", words, { cwd: this.root, encoding: "utf8" });
  }

  /** What git would show as changed or new; empty when all is clean. */
  gitStatus(): string {
    return this.#git("status", "--porcelain");
  }

  /** A platform command: `taskfleet up`. */
  taskfleet(...words: readonly string[]): Promise<CommandEnd> {
    return this.start(process.execPath, [join(this.root, "components/cli/main.ts"), ...words]).end;
  }

  /** A queue command, as the launcher starts it. */
  queue(client: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<CommandEnd> {
    return this.start(process.execPath, [join(this.root, "worker/src/main.ts"), ...words], client).end;
  }

  /** The engine itself, in the environment that `taskfleet env` prints. */
  pulumi(...words: readonly string[]): Promise<CommandEnd> {
    return this.startPulumi(...words).end;
  }

  startPulumi(...words: readonly string[]): RunningCommand {
    return this.start("pulumi", [...words, "--non-interactive"], {
      PATH: [join(this.state, "bin"), engineDirectory(), this.environment.PATH].join(delimiter),
      TASKFLEET_ROOT: this.root,
      PULUMI_BACKEND_URL: `file://${join(this.state, "pulumi")}`,
      PULUMI_CONFIG_PASSPHRASE_FILE: join(this.state, "passphrase"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    });
  }

  start(file: string, words: readonly string[], more: NodeJS.ProcessEnv = {}): RunningCommand {
    const environment = { ...this.environment, ...more };
    const child = spawn(file, words, {
      cwd: this.root,
      env: environment,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const end = new Promise<CommandEnd>((settle, reject) => {
      child.on("error", reject);
      child.on("close", (code) => settle({ code, output }));
    });
    const interrupt = () => {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
    };
    return { end, interrupt };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
