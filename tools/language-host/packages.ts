import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A package's manifest, as far as this host reads it. */
interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly pulumi?: {
    readonly resource?: boolean;
    readonly name?: string;
    readonly version?: string;
    readonly server?: string;
  };
}

/** A package in `node_modules`. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly manifest: Manifest;
}

/** A resource provider's plugin that an installed package needs. `server`: "" means Pulumi's own. */
export interface RequiredPlugin {
  readonly name: string;
  readonly version: string;
  readonly server: string;
}

function readManifest(directory: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as Manifest;
  } catch {
    // A folder without a readable manifest (`.bin`, a broken install) is no package.
    return undefined;
  }
}

function subfolders(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .map((name) => join(directory, name));
}

function packagesIn(nodeModules: string): readonly InstalledPackage[] {
  const folders = subfolders(nodeModules).flatMap((folder) =>
    folder.slice(nodeModules.length + 1).startsWith("@") ? subfolders(folder) : [folder],
  );
  return folders.flatMap((folder) => {
    const manifest = readManifest(folder);
    if (manifest?.name === undefined || manifest.version === undefined) return [];
    const own = { name: manifest.name, version: manifest.version, manifest };
    return [own, ...packagesIn(join(folder, "node_modules"))];
  });
}

/** The nearest folder at or above `directory` that holds `name`. */
function nearest(directory: string, name: string): string | undefined {
  for (let folder = directory; ; folder = dirname(folder)) {
    if (existsSync(join(folder, name))) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

/** All packages installed for the program in `directory`, nested ones too; empty when none are. */
export function installedPackages(directory: string): readonly InstalledPackage[] {
  const root = nearest(directory, "node_modules");
  return root === undefined ? [] : packagesIn(join(root, "node_modules"));
}

/** The plugin behind a package whose manifest says `pulumi.resource`, else `undefined`. */
export function pluginOf({ name, version, manifest }: InstalledPackage): RequiredPlugin | undefined {
  const { pulumi } = manifest;
  if (pulumi?.resource !== true) return undefined;
  return {
    name: pulumi.name ?? name.replace(/^@[^/]+\//, ""),
    version: pulumi.version ?? version,
    server: pulumi.server ?? "",
  };
}

/** The packages that the program's manifest names, or with `transitive` all that are installed. */
export function programDependencies(
  directory: string,
  transitive: boolean,
): readonly { readonly name: string; readonly version: string }[] {
  const installed = installedPackages(directory);
  if (transitive) return installed.map(({ name, version }) => ({ name, version }));
  const root = nearest(directory, "package.json");
  const manifest = root === undefined ? undefined : readManifest(root);
  const named = { ...manifest?.dependencies, ...manifest?.devDependencies };
  return Object.entries(named).map(([name, range]) => ({
    name,
    version: installed.find((each) => each.name === name)?.version ?? range,
  }));
}
