import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { engineEnvironment } from "../../components/cli/environment.ts";
import { PATHS } from "../../components/paths.ts";

/** How a `pulumi` command ended; `output` is stdout and stderr as they came. */
export interface PulumiEnd {
  readonly code: number | null;
  readonly output: string;
  readonly stdout: string;
}

/** A Pulumi project in a folder of its own, with a file back end there and this checkout's packages. */
export interface PulumiProject {
  readonly folder: string;
  /** Writes a file of the project, with its folders. */
  write(path: string, content: string): void;
  /** Runs `pulumi` on stack `dev`, without questions and colours. */
  pulumi(...words: readonly string[]): Promise<PulumiEnd>;
  remove(): void;
}

/** `manifest`: the project's `Pulumi.yaml`. */
export function createPulumiProject(manifest: string): PulumiProject {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-pulumi-"));
  const write = (path: string, content: string) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  };
  mkdirSync(join(folder, "state"));
  symlinkSync(PATHS.nodeModules, join(folder, "node_modules"));
  write("Pulumi.yaml", manifest);
  write("package.json", '{"name": "sample", "private": true, "type": "module"}');
  const own = { PULUMI_BACKEND_URL: `file://${folder}/state`, PULUMI_CONFIG_PASSPHRASE: "sample" };
  const environment = { ...process.env, ...own };
  const path = [dirname(PATHS.node), engineEnvironment(environment).PATH].join(delimiter);
  const env = { ...environment, ...engineEnvironment(environment), PATH: path, PULUMI_STACK: "dev" };
  const pulumi = async (...words: readonly string[]) => {
    const all = [...words, "--non-interactive", "--color", "never"];
    const child = spawn("pulumi", all, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const [code] = (await once(child, "close")) as [number | null];
    return { code, output, stdout };
  };
  return { folder, write, pulumi, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
