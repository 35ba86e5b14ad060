/** Where this machine's control groups are: cgroup v2, v1, or both side by side (hybrid). */
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";

/** What is limited by control groups here; a machine may lack any of them. */
export const CONTROLLERS = ["memory", "pids", "cpu"] as const;
export type Controller = (typeof CONTROLLERS)[number];

/** Of control groups. */
export type Version = 1 | 2;

export interface Hierarchy {
  readonly version: Version;
  readonly controllers: readonly Controller[];
  /** Folders under which a group may be made, the best first: the top, this process's own group. */
  readonly parents: readonly string[];
  /** Folder of this process's own group; `null` when it is not in what is mounted, as in a container. */
  readonly own: string | null;
}

interface Mount {
  /** The group that the mount shows at its top. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** A blank in a path is `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** `/proc/self/mountinfo`: 36 35 98:0 /root /mount/point rw master:1 - cgroup cgroup rw,memory */
function parseMount(line: string): Mount | null {
  const [left = "", right = ""] = line.split(" - ");
  const [, , , root, point] = left.split(" ");
  const [type, , options] = right.split(" ");
  if (root === undefined || point === undefined || type === undefined || options === undefined) return null;
  return { root: unescapeOctal(root), point: unescapeOctal(point), type, options: options.split(",") };
}

/** `/proc/self/cgroup`: 4:memory:/user.slice, and 0::/user.slice for version 2. */
function ownGroups(text: string): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, names = "", path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== undefined) for (const name of names.split(",")) groups.set(name, path);
  }
  return groups;
}

function hierarchy(
  version: Version,
  controllers: readonly Controller[],
  { root, point }: Mount,
  group: string | undefined,
): Hierarchy {
  const inside = group === undefined ? ".." : relative(root, group);
  const own = inside.startsWith("..") ? null : join(point, inside);
  return { version, controllers, parents: own === null || own === point ? [point] : [point, own], own };
}

/**
 * The hierarchies with a controller of `CONTROLLERS`. `controllersOf` gives the text of `cgroup.controllers` of
 * a version 2 mount.
 */
export function parseHierarchies(
  mountinfo: string,
  cgroup: string,
  controllersOf: (point: string) => string,
): readonly Hierarchy[] {
  const own = ownGroups(cgroup);
  const mounts = mountinfo.split("\n").flatMap((line) => parseMount(line) ?? []);
  const found = mounts.flatMap((mount): Hierarchy[] => {
    if (mount.type === "cgroup2") {
      const names = controllersOf(mount.point).trim().split(/\s+/);
      const controllers = CONTROLLERS.filter((name) => names.includes(name));
      return [hierarchy(2, controllers, mount, own.get(""))];
    }
    if (mount.type !== "cgroup") return [];
    const controllers = CONTROLLERS.filter((name) => mount.options.includes(name));
    return [hierarchy(1, controllers, mount, own.get(controllers[0] ?? ""))];
  });
  return found.filter(({ controllers }) => controllers.length > 0);
}

/** Folder of a process's group of one controller of version 1, also of one that limits nothing; `null` where it is not in view. */
export function folderOf(mountinfo: string, cgroup: string, controller: string): string | null {
  const mounts = mountinfo.split("\n").flatMap((line) => parseMount(line) ?? []);
  const mount = mounts.find(({ type, options }) => type === "cgroup" && options.includes(controller));
  return mount === undefined ? null : hierarchy(1, [], mount, ownGroups(cgroup).get(controller)).own;
}

/** The hierarchies that this process sees; none where there is no `/proc`. */
export function findHierarchies(): readonly Hierarchy[] {
  const read = (path: string) => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  return parseHierarchies(read("/proc/self/mountinfo"), read("/proc/self/cgroup"), (point) =>
    read(join(point, "cgroup.controllers")),
  );
}
