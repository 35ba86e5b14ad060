/**
 * What a confined worker sees of the file system, as arguments of `bwrap`: the machine's own, read-only, with a
 * temporary folder of its own. Pure: what is there on the machine comes in by `Places`.
 */
import { dirname, join, relative, sep } from "node:path";

/** What the plan needs to know of the machine's folders; all paths are absolute and real. */
export interface Places {
  exists(path: string): boolean;
  isFolder(path: string): boolean;
  /** Whether the worker's user may pass through this folder. */
  isOpen(folder: string): boolean;
}

export interface View {
  readonly readOnlyRoot: boolean;
  /** The machine's temporary folder, and the worker's own that stands in its place. */
  readonly temporary: string;
  readonly scratch: string;
  /** What the worker cannot do without: Node, its bundle, its handlers. */
  readonly needed: readonly string[];
  readonly writable: readonly string[];
  readonly hidden: readonly string[];
}

const isInside = (path: string, folder: string) => {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
};

/** From the top down, without the path itself. */
function ancestors(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [] : [...ancestors(parent), parent];
}

/** How a path comes into the view: an empty folder over the machine's own, a folder in such a one, or as it is. */
type Mount = "cover" | "folder" | "bind";
type Mounts = ReadonlyMap<string, Mount>;

/** Whether what the machine has at this path is not there in the view so far. */
function isCovered(path: string, mounts: Mounts): boolean {
  const nearest = [path, ...ancestors(path).toReversed()].find((each) => mounts.has(each));
  return nearest !== undefined && mounts.get(nearest) !== "bind";
}

/** The mounts that a path needs on top of those that there are. */
function show(path: string, mounts: Mounts, places: Places): Mounts {
  const more = new Map(mounts);
  for (const folder of ancestors(path)) {
    if (more.has(folder)) continue;
    if (isCovered(folder, more)) more.set(folder, "folder");
    else if (!places.isOpen(folder)) more.set(folder, "cover");
  }
  if (isCovered(path, more)) more.set(path, "bind");
  return more;
}

const WORDS: Readonly<Record<Mount, (path: string) => readonly string[]>> = {
  cover: (path) => ["--perms", "0755", "--tmpfs", path],
  folder: (path) => ["--perms", "0755", "--dir", path],
  bind: (path) => ["--ro-bind", path, path],
};

/** The arguments of `bwrap` that make this view. */
export function viewArguments(view: View, places: Places): readonly string[] {
  const { readOnlyRoot, temporary, scratch, needed, writable, hidden } = view;
  const root = readOnlyRoot ? ["--ro-bind", "/", "/", "--dev", "/dev"] : ["--dev-bind", "/", "/"];
  const first: Mounts = new Map(readOnlyRoot ? [[temporary, "cover"]] : []);
  // Outer paths first: what lies inside one of them is mounted over it.
  const mounts = needed.toSorted().reduce((so, path) => show(path, so, places), first);
  const inOrder = [...mounts].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...[...root, "--proc", "/proc"],
    ...inOrder.flatMap(([path, mount]) =>
      readOnlyRoot && path === temporary ? ["--bind", scratch, temporary] : WORDS[mount](path),
    ),
    ...(readOnlyRoot ? writable.flatMap((path) => ["--bind", path, path]) : []),
    ...hidden
      .filter((path) => places.exists(path))
      .flatMap((path) => (places.isFolder(path) ? ["--tmpfs", path] : ["--ro-bind", "/dev/null", path])),
    ...["--chdir", readOnlyRoot ? temporary : scratch],
  ];
}

/**
 * What modules of a folder may import: the package that it is part of, and those installed above it. A folder
 * that the worker's user could not pass, or the temporary one, is never shown as a whole.
 */
export function modulePaths(folder: string, temporary: string, places: Places): readonly string[] {
  const outer = ancestors(folder).findLast((each) => each === temporary || !places.isOpen(each));
  const shown = [...ancestors(folder), folder].filter(
    (each) => outer === undefined || (each !== outer && isInside(each, outer)),
  );
  const own = shown.findLast((each) => places.exists(join(each, "package.json"))) ?? folder;
  const installed = ancestors(own).map((each) => join(each, "node_modules"));
  return [own, ...installed.filter((path) => places.exists(path))];
}
