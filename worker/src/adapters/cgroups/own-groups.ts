/** Where control groups for tasks can be: those handed over, or this process's own, from /proc/self. Pure. */
import { join, relative } from "node:path";

/** Controllers that bound a task. */
export const CONTROLLERS = ["pids", "memory"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Folders of the groups that this process is in: one for each controller (v1), or one for all (v2). */
export type OwnGroups =
  | { readonly version: 1; readonly folders: Readonly<Record<Controller, string>> }
  | { readonly version: 2; readonly folder: string };

interface Mount {
  /** What of the hierarchy is mounted. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

function unescapeOctal(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function parseMount(line: string): Mount | undefined {
  const [before = "", after] = line.split(" - ");
  const [, , , root, point] = before.split(" ");
  const [type, , options = ""] = after?.split(" ") ?? [];
  if (root === undefined || point === undefined || type === undefined) return undefined;
  return { root: unescapeOctal(root), point: unescapeOctal(point), type, options: options.split(",") };
}

/** Path of this process's group by controller; "" is that of v2. */
function ownPaths(cgroup: string): ReadonlyMap<string, string> {
  const entries = cgroup.split("\n").flatMap((line) => {
    const [, controllers, ...path] = line.split(":");
    if (controllers === undefined) return [];
    return controllers.split(",").map((name) => [name, path.join(":")] as const);
  });
  return new Map(entries);
}

function folderOf(mount: Mount, path: string): string | undefined {
  const inside = relative(mount.root, path);
  return inside.startsWith("..") ? undefined : join(mount.point, inside);
}

/** `undefined` when there are none that could bound a task. */
export function ownGroups(mountinfo: string, cgroup: string): OwnGroups | undefined {
  const mounts = mountinfo.split("\n").flatMap((line) => parseMount(line) ?? []);
  const paths = ownPaths(cgroup);
  const v1 = (controller: Controller) => {
    const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes(controller));
    const path = paths.get(controller);
    return mount === undefined || path === undefined ? undefined : folderOf(mount, path);
  };
  const [pids, memory] = CONTROLLERS.map(v1);
  if (pids !== undefined && memory !== undefined) return { version: 1, folders: { pids, memory } };
  const unified = mounts.find(({ type }) => type === "cgroup2");
  const path = paths.get("");
  const folder = unified === undefined || path === undefined ? undefined : folderOf(unified, path);
  return folder === undefined ? undefined : { version: 2, folder };
}

/** The same of folders that a supervisor handed over, one for each hierarchy; `exists` tells versions by their files. */
export function givenGroups(
  folders: readonly string[],
  exists: (path: string) => boolean,
): OwnGroups | undefined {
  const having = (file: string) => folders.find((folder) => exists(join(folder, file)));
  const [pids, memory] = [having("pids.max"), having("memory.limit_in_bytes")];
  if (pids !== undefined && memory !== undefined) return { version: 1, folders: { pids, memory } };
  const folder = having("cgroup.controllers");
  return folder === undefined ? undefined : { version: 2, folder };
}

/** The number after `name` in a file of lines `name number`; 0 when it is not there. */
export function counter(text: string, name: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
