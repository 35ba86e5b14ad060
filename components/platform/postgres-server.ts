import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findOnPath } from "../find-on-path.ts";

/** A PostgreSQL server's programs, all of one version. */
export interface PostgresPrograms {
  /** The folder that has them; absolute. */
  readonly directory: string;
  readonly postgres: string;
  readonly initdb: string;
}

const DEMANDED = ["postgres", "initdb"] as const;

/** Where packages put them outside of PATH: the folder, and what its versions' folders are called. */
const PACKAGED = [
  { parent: "/usr/lib/postgresql", versions: /^(\d+)$/, below: "bin" },
  { parent: "/usr", versions: /^pgsql-(\d+)$/, below: "bin" },
  { parent: "/usr/libexec", versions: /^postgresql(\d+)$/, below: "." },
] as const;

/** No folder has both `postgres` and `initdb`. */
export class PostgresMissingError extends Error {
  constructor(path: string) {
    super(
      `there is no PostgreSQL server in ${path} or where packages put one: ./taskfleet setup installs it or says ` +
        "why not. Without one, set recordRuns: false in the spec: runs are then not recorded",
    );
    this.name = "PostgresMissingError";
  }
}

function versionsOf({ parent, versions, below }: (typeof PACKAGED)[number]): readonly string[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((name) => {
      const version = versions.exec(name)?.[1];
      return version === undefined
        ? []
        : [{ version: Number(version), directory: join(parent, name, below) }];
    })
    .toSorted((a, b) => b.version - a.version)
    .map(({ directory }) => directory);
}

/** The folders of packages on this machine, newest version first. */
export function packagedFolders(): readonly string[] {
  return PACKAGED.flatMap((place) => versionsOf(place));
}

function whole(directory: string): boolean {
  return DEMANDED.every((name) => findOnPath(name, directory) !== undefined);
}

/**
 * The first folder of `path` (a PATH value), then of `packaged`, that has both `postgres` and `initdb`: a lone
 * `postgres` may be a link or a client of something else.
 */
export function findPostgres(
  path: string,
  packaged: readonly string[] = packagedFolders(),
): PostgresPrograms | undefined {
  const directory = [...path.split(delimiter), ...packaged].find((folder) => folder !== "" && whole(folder));
  if (directory === undefined) return undefined;
  return { directory, postgres: join(directory, "postgres"), initdb: join(directory, "initdb") };
}

/** As `findPostgres`. @throws PostgresMissingError with both ways out. */
export function postgresServer(path: string): PostgresPrograms {
  const found = findPostgres(path);
  if (found === undefined) throw new PostgresMissingError(path);
  return found;
}
