/** Where this process's control groups are, from /proc/self/mountinfo and /proc/self/cgroup. Pure. */
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

function mountsOf(mountinfo: string): readonly Mount[] {
  return mountinfo.split("\n").flatMap((line) => parseMount(line) ?? []);
}

/** The folder of a controller's group in version 1. */
export function folderOfController(
  mountinfo: string,
  cgroup: string,
  controller: string,
): string | undefined {
  const mount = mountsOf(mountinfo).find(
    ({ type, options }) => type === "cgroup" && options.includes(controller),
  );
  const path = ownPaths(cgroup).get(controller);
  return mount === undefined || path === undefined ? undefined : folderOf(mount, path);
}

/** `undefined` when there are none that could bound a task. */
export function ownGroups(mountinfo: string, cgroup: string): OwnGroups | undefined {
  const mounts = mountsOf(mountinfo);
  const paths = ownPaths(cgroup);
  const [pids, memory] = CONTROLLERS.map((name) => folderOfController(mountinfo, cgroup, name));
  if (pids !== undefined && memory !== undefined) return { version: 1, folders: { pids, memory } };
  const unified = mounts.find(({ type }) => type === "cgroup2");
  const path = paths.get("");
  const folder = unified === undefined || path === undefined ? undefined : folderOf(unified, path);
  return folder === undefined ? undefined : { version: 2, folder };
}

/** The number after `name` in a file of lines `name number`; 0 when it is not there. */
export function counter(text: string, name: string): number {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
