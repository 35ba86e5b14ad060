/** The folder of a group in one hierarchy. */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Controller, Version } from "./hierarchies.ts";

export interface GroupFolder {
  readonly version: Version;
  readonly controllers: readonly Controller[];
  readonly path: string;
}

export const PROCESSES = "cgroup.procs";
const MISSING: readonly string[] = ["ENOENT", "ENODEV"];

export const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";

/** What version 2 does not limit in the groups below yet. */
function disabled({ version, controllers, path }: GroupFolder): readonly Controller[] {
  if (version === 1) return [];
  const enabled = readFileSync(join(path, "cgroup.subtree_control"), "utf8").trim().split(/\s+/);
  return controllers.filter((name) => !enabled.includes(name));
}

/** In version 2 a group's children are limited only by what the group enables for them. */
export function enable(folder: GroupFolder): void {
  const missing = disabled(folder);
  if (missing.length === 0) return;
  writeFileSync(join(folder.path, "cgroup.subtree_control"), missing.map((name) => `+${name}`).join(" "));
}

/** Version 2 enables nothing in a group that holds processes itself: they move to the group `name` in it. */
export function makeRoom(folder: GroupFolder, name: string): void {
  if (disabled(folder).length === 0) return;
  const beside = join(folder.path, name);
  makeFolder(beside);
  for (const pid of processes(folder.path)) writeFileSync(join(beside, PROCESSES), String(pid));
}

export function makeFolder(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

/** Ids of the group's processes, without those of groups inside it. */
function processes(path: string): readonly number[] {
  // 0 is a process that this pid namespace does not see, and would mean our own group to kill().
  return readFileSync(join(path, PROCESSES), "utf8")
    .split("\n")
    .map(Number)
    .filter((pid) => pid > 0);
}

function folders(path: string): readonly string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
}

/** Ids of the processes in this folder and in all below it. */
export function members(path: string): readonly number[] {
  try {
    return [...processes(path), ...folders(path).flatMap(members)];
  } catch (error) {
    if (MISSING.includes(codeOf(error))) return [];
    throw error;
  }
}

/** Removes it with all below it. Throws EBUSY while there are processes. */
export function removeFolders(path: string): void {
  try {
    for (const folder of folders(path)) removeFolders(folder);
    rmdirSync(path);
  } catch (error) {
    if (!MISSING.includes(codeOf(error))) throw error;
  }
}

/** Removes it where it is empty. */
export function discard(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // It is not there, or somebody is in it.
  }
}
