/** A control group in every hierarchy that limits something: made, limited, emptied and removed as one. */
import { chownSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  codeOf,
  discard,
  enable,
  type GroupFolder,
  makeFolder,
  makeRoom,
  members,
  PROCESSES,
  removeFolders,
} from "./group-folder.ts";
import { CONTROLLERS, type Controller, type Hierarchy } from "./hierarchies.ts";
import { controllersOf, type GroupLimits, limitFiles, wasHit } from "./limit-files.ts";

/** What the owner of a group needs to make groups below it and to move its processes there. */
const DELEGATED = ["", PROCESSES, "cgroup.threads", "cgroup.subtree_control", "tasks"] as const;
const LOOK_AGAIN_MS = 5;
const EMPTY_TIMEOUT_MS = 10_000;

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
    return new ControlGroup(
      paths.map((path) => {
        const has = (name: string) => existsSync(join(path, name));
        const version = has("cgroup.controllers") ? 2 : 1;
        return { version, controllers: controllersOf(version, has), path };
      }),
    );
  }

  /** The group that this process is in, in the hierarchies where it sees it. */
  static own(hierarchies: readonly Hierarchy[]): ControlGroup {
    return new ControlGroup(
      hierarchies.flatMap(({ version, controllers, own }) =>
        own === null ? [] : [{ version, controllers, path: own }],
      ),
    );
  }

  /** The same group for these controllers alone, in the first folder that has them. */
  only(wanted: readonly Controller[]): ControlGroup {
    const first = (name: Controller) =>
      this.#folders.find(({ controllers }) => controllers.includes(name)) ?? [];
    return new ControlGroup(
      [...new Set(wanted.flatMap(first))].map((folder) => ({
        ...folder,
        controllers: wanted.filter((name) => folder.controllers.includes(name)),
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
    return this.#folders.map(({ path }) => join(path, PROCESSES));
  }

  /** Makes the group `name` inside this one, or takes the one that is there, and limits it; else leaves nothing. */
  child(name: string, limits: GroupLimits = {}): ControlGroup {
    const group = new ControlGroup(
      this.#folders.map((folder) => ({ ...folder, path: join(folder.path, name) })),
    );
    try {
      this.#folders.forEach(enable);
      group.paths.forEach(makeFolder);
      group.limit(limits);
      return group;
    } catch (error) {
      group.paths.forEach(discard);
      throw error;
    }
  }

  /** Lets groups be made inside although processes are in it: where they hinder, they move to the child `name`. */
  makeRoom(name: string): void {
    for (const folder of this.#folders) makeRoom(folder, name);
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

  /** The limit that was hit, memory before processes. */
  hit(): Controller | null {
    const wasHitIn = (name: Controller) =>
      this.#folders.some(
        ({ version, controllers, path }) =>
          controllers.includes(name) && wasHit(version, name, (file) => read(join(path, file))),
      );
    return CONTROLLERS.find(wasHitIn) ?? null;
  }

  /**
   * Kills all that is in it, also what is started meanwhile, and removes it with the groups inside it.
   * Rejects when processes hang in the kernel.
   */
  async remove(): Promise<void> {
    const deadline = performance.now() + EMPTY_TIMEOUT_MS;
    for (;;) {
      try {
        this.paths.forEach(removeFolders);
        return;
      } catch (error) {
        // Processes are in it, or the last one's threads are not gone yet.
        if (codeOf(error) !== "EBUSY") throw error;
      }
      const left = this.members();
      for (const pid of left) kill(pid);
      if (performance.now() > deadline) {
        const name = basename(this.paths[0] ?? "");
        throw new Error(`control group ${name}: processes ${left.join(", ")} survived SIGKILL`);
      }
      await delay(LOOK_AGAIN_MS);
    }
  }
}

/** "" for a file that is not there, or no more. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}
