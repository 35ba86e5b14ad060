/** The folder of backups: a whole one is a folder with a manifest, under a name that is its time. */
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BackupError } from "./backup-error.ts";
import { fileFacts, PRIVATE_FILE, PRIVATE_FOLDER, sync } from "./files.ts";
import {
  type BackupFile,
  backupName,
  backupTime,
  MANIFEST,
  type Manifest,
  parseManifest,
} from "./manifest.ts";

export interface ListedBackup {
  readonly name: string;
  readonly folder: string;
  /** When it was begun, in ms since the epoch. */
  readonly at: number;
  /** Undefined: its manifest cannot be read, as `fault` says. */
  readonly manifest: Manifest | undefined;
  readonly fault: string | undefined;
}

/** `.20261128T093000Z.<host>.<pid>.partial`: nobody lists it. */
const PARTIAL = /^\.\d{8}T\d{6}Z\.(.+)\.(\d+)\.partial$/;
const NAME_TAKEN_MS = 100;
/** Of another machine's, which cannot be asked whether it goes on. */
const STALE_MS = 2 * 86_400_000;

/** Backups in a folder, newest first; none where there is no folder. */
export async function listBackups(directory: string): Promise<readonly ListedBackup[]> {
  const names = (await readNames(directory)).filter((name) => backupTime(name) !== undefined);
  return Promise.all(
    names
      .toSorted()
      .reverse()
      .map((name) => readBackup(join(directory, name), name)),
  );
}

async function readNames(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new BackupError(`the folder of backups cannot be read: ${(error as Error).message}`);
  }
}

async function readBackup(folder: string, name: string): Promise<ListedBackup> {
  const listed = { name, folder, at: backupTime(name) ?? 0 };
  try {
    const manifest = parseManifest(await readFile(join(folder, MANIFEST), "utf8"));
    return { ...listed, manifest, fault: undefined };
  } catch (error) {
    return { ...listed, manifest: undefined, fault: `${MANIFEST}: ${(error as Error).message}` };
  }
}

/** A backup by its name, or the newest whole one. @throws BackupError when there is none. */
export async function findBackup(
  directory: string,
  name: string | undefined,
): Promise<ListedBackup & { readonly manifest: Manifest }> {
  const all = await listBackups(directory);
  const found =
    name === undefined
      ? all.find(({ manifest }) => manifest !== undefined)
      : all.find((one) => one.name === name);
  const where = resolve(directory);
  if (found === undefined)
    throw new BackupError(
      name === undefined
        ? `there is no backup in ${where}: \`taskfleet backup create\` makes one`
        : `there is no backup ${name} in ${where}: \`taskfleet backup list\` shows them`,
    );
  const { manifest, fault } = found;
  if (manifest === undefined) throw new BackupError(`backup ${found.name} is broken: ${fault}`);
  return { ...found, manifest };
}

export interface PartialBackup {
  readonly name: string;
  readonly at: Date;
  /** Where its files go. */
  readonly folder: string;
  /** Writes the manifest, has all of it on the disk, and gives it its name. */
  finish(manifest: Manifest): Promise<string>;
  /** Takes it away. */
  drop(): Promise<void>;
}

/** Partial backups of this very process: one before it in this container had its pid, too. */
const begun = new Set<string>();

/** Begins a backup under a name that nobody lists; what others left behind goes. */
export async function beginBackup(directory: string, now: () => Date): Promise<PartialBackup> {
  await mkdir(directory, { recursive: true, mode: PRIVATE_FOLDER });
  await removePartials(directory);
  let at = now();
  // Two of one second would have one name.
  for (; existsSync(join(directory, backupName(at))); at = now()) await delay(NAME_TAKEN_MS);
  const name = backupName(at);
  const whole = join(directory, name);
  const partial = `.${name}.${hostname()}.${process.pid}.partial`;
  const folder = join(directory, partial);
  begun.add(partial);
  await mkdir(folder, { mode: PRIVATE_FOLDER });
  return {
    ...{ name, at, folder, drop: () => rm(folder, { recursive: true, force: true }) },
    finish: async (manifest) => {
      await writeFile(join(folder, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`);
      for (const file of await readdir(folder)) {
        await chmod(join(folder, file), PRIVATE_FILE);
        await sync(join(folder, file));
      }
      await sync(folder);
      await rename(folder, whole).catch((error: NodeJS.ErrnoException) => {
        const taken = error.code === "ENOTEMPTY" || error.code === "EEXIST";
        throw new BackupError(taken ? `there is a backup ${name} already` : error.message);
      });
      await sync(directory);
      return whole;
    },
  };
}

async function removePartials(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, host, pid] = PARTIAL.exec(name) ?? [];
    if (pid === undefined) continue;
    const path = join(directory, name);
    const alive =
      host === hostname() ? lives(name, Number(pid)) : Date.now() - (await stat(path)).mtimeMs < STALE_MS;
    if (!alive) await rm(path, { recursive: true, force: true });
  }
}

function lives(name: string, pid: number): boolean {
  if (pid === process.pid) return begun.has(name);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes all but the newest `keep` whole backups, and broken ones older than those; returns their names. */
export async function pruneBackups(directory: string, keep: number): Promise<readonly string[]> {
  const all = await listBackups(directory);
  const kept = all.filter(({ manifest }) => manifest !== undefined).slice(0, keep);
  const oldest = kept.at(-1);
  if (oldest === undefined || kept.length < keep) return [];
  const old = all.filter(({ at, name }) => at < oldest.at && name !== oldest.name);
  for (const { folder } of old) await rm(folder, { recursive: true, force: true });
  return old.map(({ name }) => name);
}

/** What is wrong with the files of a backup; nothing when each is as the manifest says. */
export async function fileFaults(folder: string, { queue, record }: Manifest): Promise<readonly string[]> {
  const files = [queue.dump, ...(record === null ? [] : [record.dump])];
  return (await Promise.all(files.map((file) => faultOf(folder, file)))).flat();
}

async function faultOf(folder: string, { file, bytes, sha256 }: BackupFile): Promise<readonly string[]> {
  try {
    const found = await fileFacts(join(folder, file));
    if (found.bytes !== bytes) return [`${file} has ${found.bytes} bytes; the manifest says ${bytes}`];
    return found.sha256 === sha256 ? [] : [`${file} has another SHA-256 than the manifest says`];
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    return [missing ? `${file} is missing` : `${file} cannot be read: ${(error as Error).message}`];
  }
}
