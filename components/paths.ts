import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { HostError } from "./hosts/errors.ts";

const root = resolve(import.meta.dirname, "..");
const home = join(root, ".taskfleet");
/** `TASKFLEET_HOME` keeps a test's stacks apart from the developer's own. */
const state = resolve(process.env.TASKFLEET_HOME || home);
const cache = resolve(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "taskfleet");

/** Every place outside a stack where the platform keeps or finds something; all paths are absolute. */
export const PATHS = {
  root,
  /** All state of this checkout; ignored by git. */
  state,
  /** Pulumi's file back end, unless the user chose another. */
  pulumiBackend: join(state, "pulumi"),
  /** Passphrase of the file back end's secrets, mode 0600. */
  passphrase: join(state, "passphrase"),
  /** `Pulumi.<stack>.yaml` files: `stackConfigDir` in `Pulumi.yaml`, which knows no `TASKFLEET_HOME`. */
  stackConfigs: join(home, "stacks"),
  /** Executables that `taskfleet env` puts first on PATH. */
  bin: join(state, "bin"),
  /** Backups of all stacks, a folder each. */
  backups: join(state, "backups"),
  /** Stamps and logs of the set-up. */
  setup: join(state, "setup"),
  /** Digests of official images, kept in git. */
  imageLock: join(root, "images.lock.json"),
  launcher: join(root, "taskfleet"),
  /** Node 24, installed by npm. */
  node: join(root, "node_modules", ".bin", "node"),
  nodeModules: join(root, "node_modules"),
  workerMain: join(root, "worker", "src", "main.ts"),
  /** The Go module that pins the Pulumi engine. */
  engineModule: join(root, "tools", "pulumi"),
  /** The Go module that pins Docker Compose. */
  composeModule: join(root, "tools", "compose"),
  /** The Go module of the sandbox's helper. */
  sandboxModule: join(root, "worker", "sandbox"),
  /** Per user, shared by all checkouts. */
  cache,
  engines: join(cache, "pulumi"),
  composes: join(cache, "compose"),
  sandboxHelpers: join(cache, "sandbox"),
  passedSuites: join(cache, "tests", "passed"),
} as const;

/** What all stacks share in the state folder, beside the folder of each: no stack may have such a name. */
export const RESERVED_STACK_NAMES: readonly string[] = Object.values(PATHS)
  .filter((path) => [home, state].includes(dirname(path)))
  .map((path) => basename(path));

/**
 * Where one stack keeps its things; `directory` is created by `pulumi up`. Throws a `HostError` for a
 * reserved name.
 */
export function stackPaths(stack: string) {
  if (RESERVED_STACK_NAMES.includes(stack))
    throw new HostError(
      `stack ${JSON.stringify(stack)}: ${join(state, stack)} belongs to all stacks; choose another name`,
    );
  const directory = join(state, stack);
  return {
    directory,
    /** KEY=VALUE lines for clients of the stack's queue, mode 0600; there while the stack is up. */
    clientEnv: join(directory, "client.env"),
    /** The same of the record's database and of the API, where the stack has them. */
    databaseEnv: join(directory, "database.env"),
    apiEnv: join(directory, "api.env"),
    redis: join(directory, "redis"),
    postgres: join(directory, "postgres"),
    bundles: join(directory, "bundles"),
    run: join(directory, "run"),
    logs: join(directory, "logs"),
    secrets: join(directory, "secrets"),
    backups: join(PATHS.backups, stack),
  } as const;
}

/** The version of a module that a tool's `go.mod` pins. */
function pinnedVersion(module: string, name: string): string {
  const file = join(module, "go.mod");
  const lines = readFileSync(file, "utf8").split("\n");
  const version = lines.map((line) => line.split(" ")).find((words) => words[1] === name)?.[2];
  if (version === undefined) throw new Error(`${file} requires no ${name}`);
  return version;
}

/** The engine's version, such as `v3.250.0`, as `tools/pulumi/go.mod` pins it. */
export function engineVersion(): string {
  return pinnedVersion(PATHS.engineModule, "github.com/pulumi/pulumi/pkg/v3");
}

/** The folder of our own engine and the plugins beside it. */
export function engineDirectory(): string {
  return join(PATHS.engines, engineVersion());
}

/** Docker Compose's version, such as `v5.5.1`, as `tools/compose/go.mod` pins it. */
export function composeVersion(): string {
  return pinnedVersion(PATHS.composeModule, "github.com/docker/compose/v5");
}

/** Our own Docker Compose, which runs by itself and as a plugin of the Docker CLI; there after the set-up's step. */
export function composeBinary(): string {
  return join(PATHS.composes, composeVersion(), "docker-compose");
}
