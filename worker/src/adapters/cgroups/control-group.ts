/** A control group in every hierarchy that limits something: made, limited, emptied and removed as one. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CONTROLLERS, type Controller, type Hierarchy } from "./hierarchies.ts";
import { type GroupLimits, limitFiles } from "./limit-files.ts";

interface GroupFolder {
  readonly version: 1 | 2;
  readonly controllers: readonly Controller[];
  readonly path: string;
}

/** What the owner of a group needs to make groups below it and to move its processes there. */
const DELEGATED = ["", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "tasks"] as const;
const LOOK_AGAIN_MS = 5;
const EMPTY_TIMEOUT_MS = 10_000;

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";
const MISSING: readonly string[] = ["ENOENT", "ENODEV"];

/** In version 2 a group's children are limited only by what the group enables for them. */
function enable({ version, controllers, path }: GroupFolder): void {
  if (version === 1) return;
  const file = join(path, "cgroup.subtree_control");
  const enabled = readFileSync(file, "utf8").trim().split(/\s+/);
  const missing = controllers.filter((name) => !enabled.includes(name));
  if (missing.length > 0) writeFileSync(file, missing.map((name) => `+${name}`).join(" "));
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Ids of the processes in these folders and in all below them. */
function members(path: string): readonly number[] {
  try {
    const own = readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").map(Number);
    // 0 is a process that this pid namespace does not see, and would mean our own group to kill().
    return [...own.filter((pid) => pid > 0), ...folders(path).flatMap(members)];
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return [];
    throw error;
  }
}

function folders(path: string): readonly string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
}

function removeFolders(path: string): void {
  try {
    for (const folder of folders(path)) removeFolders(folder);
    rmdirSync(path);
  } catch (error) {
    if (!MISSING.includes(codeOf(error))) throw error;
  }
}

export class ControlGroup {
  readonly #folders: readonly GroupFolder[];

  private constructor(folders: readonly GroupFolder[]) {
    this.#folders = folders;
  }

  /**
   * The group `name` under the first parent of each hierarchy in which it can be made. Hierarchies where it
   * cannot are left out; `refused` is told why, in the system's words.
   */
  static make(
    hierarchies: readonly Hierarchy[],
    name: string,
    refused: (controllers: readonly Controller[], reason: string) => void = () => {},
  ): ControlGroup {
    const made = hierarchies.flatMap(({ version, controllers, parents }): GroupFolder[] => {
      let reason = "";
      for (const parent of parents) {
        const folder = { version, controllers, path: join(parent, name) };
        try {
          enable({ version, controllers, path: parent });
          makeFolder(folder.path);
          return [folder];
        } catch (error) {
          reason ||= error instanceof Error ? error.message : String(error);
        }
      }
      refused(controllers, reason);
      return [];
    });
    return new ControlGroup(made);
  }

  /** A group that exists, by its folders: what `paths` of it gave. */
  static open(paths: readonly string[]): ControlGroup {
    const has = (path: string, controller: Controller) => existsSync(join(path, FILE_OF[controller](path)));
    return new ControlGroup(
      paths.map((path) => ({
        version: isVersion2(path) ? 2 : 1,
        controllers: CONTROLLERS.filter((controller) => has(path, controller)),
        path,
      })),
    );
  }

  /** One folder per hierarchy. */
  get paths(): readonly string[] {
    return this.#folders.map(({ path }) => path);
  }

  /** What can be limited here. */
  get controllers(): readonly Controller[] {
    return CONTROLLERS.filter((name) => this.#folders.some(({ controllers }) => controllers.includes(name)));
  }

  /** The files into which a process writes `0` to join. */
  get joinFiles(): readonly string[] {
    return this.#folders.map(({ path }) => join(path, "cgroup.procs"));
  }

  /** Makes the group `name` inside this one, or takes the one that is there, and limits it. */
  child(name: string, limits: GroupLimits = {}): ControlGroup {
    const folders = this.#folders.map((folder) => {
      enable(folder);
      const child = { ...folder, path: join(folder.path, name) };
      makeFolder(child.path);
      return child;
    });
    const group = new ControlGroup(folders);
    group.limit(limits);
    return group;
  }

  limit(limits: GroupLimits): void {
    for (const { version, controllers, path } of this.#folders) {
      for (const { name, value, optional } of limitFiles(version, controllers, limits)) {
        const file = join(path, name);
        if (optional !== true || existsSync(file)) writeFileSync(file, value);
      }
    }
  }

  /** Lets this user make groups inside and move processes between them; the limits stay root's. */
  delegate(uid: number, gid: number): void {
    for (const { path } of this.#folders) {
      for (const file of DELEGATED.map((name) => join(path, name)))
        if (existsSync(file)) chownSync(file, uid, gid);
    }
  }

  /** Moves a process in. */
  add(pid: number): void {
    for (const file of this.joinFiles) writeFileSync(file, String(pid));
  }

  /** Ids of its processes, those of groups inside it too. */
  members(): readonly number[] {
    return [...new Set(this.#folders.flatMap(({ path }) => members(path)))];
  }

  /**
   * Kills all that is in it, also what is started meanwhile, and removes it with the groups inside it.
   * Rejects when processes hang in the kernel.
   */
  async remove(): Promise<void> {
    const deadline = performance.now() + EMPTY_TIMEOUT_MS;
    for (;;) {
      const left = this.members();
      for (const pid of left) kill(pid);
      try {
        if (left.length === 0) {
          for (const { path } of this.#folders) removeFolders(path);
          return;
        }
      } catch (error) {
        // A process joined after the look, or its last thread is not gone yet.
        if (codeOf(error) !== "EBUSY") throw error;
      }
      if (performance.now() > deadline) {
        const name = basename(this.#folders[0]?.path ?? "");
        throw new Error(`control group ${name}: processes ${left.join(", ")} survived SIGKILL`);
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}

const isVersion2 = (path: string) => existsSync(join(path, "cgroup.controllers"));

const FILE_OF: Readonly<Record<Controller, (path: string) => string>> = {
  memory: (path) => (isVersion2(path) ? "memory.max" : "memory.limit_in_bytes"),
  pids: () => "pids.max",
  cpu: (path) => (isVersion2(path) ? "cpu.max" : "cpu.cfs_quota_us"),
};

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}
