/** Files of a project's folder, written and looked at by its host's own shell: the same here and over SSH. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import { type HostShell, lastWords, type ShellEnd } from "./host-shell.ts";
import type { PlannedFile } from "./project-inputs.ts";

/** Running containers see a file through a mount of its own: only a file that stays the same one reaches them. */
const SECRET = /^secrets\//;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/No space left on device/, "the disk is full; free some space, then run the update again"],
  [/quota exceeded/i, "the disk quota is used up; free some space, then run the update again"],
  [/Permission denied|not permitted/, "no permission; give this user access, then run the update again"],
  [/Read-only file system/, "the file system is read-only; choose another folder"],
  [/Directory not empty|Is a directory/, "a folder of this name is in the way; move it away"],
  [/Not a directory|File exists/, "a part of the path is a file; move it away"],
];

function explain(attempt: string, { name }: HostShell, end: ShellEnd): HostError {
  const reason = REASONS.find(([pattern]) => pattern.test(end.stderr))?.[1] ?? lastWords(end);
  return new HostError(`cannot ${attempt} on ${name}: ${reason}`);
}

/** Absolute; made if missing. Others may enter it: a container that has it mounted is another user. */
export async function makeFolder(shell: HostShell, directory: string): Promise<string> {
  const path = directory.startsWith("~/") ? directory.slice(2) : directory;
  const script = 'set -eu; [ "$1" = / ] || cd; mkdir -p -- "$2"; chmod 755 -- "$2"; cd -- "$2"; pwd';
  const end = await shell.run(["sh", "-c", script, "sh", directory.startsWith("~/") ? "~" : "/", path]);
  if (end.code !== 0) throw explain(`make the folder ${directory}`, shell, end);
  return end.stdout.trimEnd();
}

/** $1: the folder; then, for each file, path, size in bytes, mode, whether it stays the same one, mode of a new folder. */
const WRITE = `set -eu
cd -- "$1"
shift
half=
trap '[ -z "$half" ] || rm -f -- "$half"' EXIT
while [ $# -gt 0 ]; do
  path=$1 size=$2 mode=$3 same=$4 folder=$(dirname -- "$1")
  umask 022
  [ -d "$folder" ] || mkdir -p -m "$5" -- "$folder"
  shift 5
  # The engine makes a folder of a file that is missing when its container starts.
  [ ! -d "$path" ] || rmdir -- "$path"
  umask 077
  IFS= read -r content
  if [ "$same" = yes ] && [ -f "$path" ] && [ ! -L "$path" ]; then
    chmod u+w -- "$path"
    printf %s "$content" | base64 -d 1<>"$path"
    truncate -s "$size" -- "$path"
    chmod "$mode" -- "$path"
  else
    half=$path.$$.tmp
    printf %s "$content" | base64 -d >"$half"
    [ "$(wc -c <"$half")" -eq "$size" ]
    chmod "$mode" -- "$half"
    mv -fT -- "$half" "$path"
    half=
  fi
done`;

/** Replaces each file at once, or, of a secret, what is in it. Contents go in one line each, so that one call writes all. */
async function replaceFiles(
  shell: HostShell,
  folder: string,
  files: readonly (readonly [string, PlannedFile])[],
): Promise<void> {
  const words = files.flatMap(([path, { content, mode }]) => {
    // Containers' users can read what a secret's file holds, so that its folder has to keep others out.
    const ways = SECRET.test(path) ? ["yes", "700"] : ["no", "755"];
    return [path, String(Buffer.byteLength(content)), mode, ...ways];
  });
  const stdin = files.map(([, { content }]) => `${Buffer.from(content).toString("base64")}\n`).join("");
  const end = await shell.run(["sh", "-c", WRITE, "sh", folder, ...words], { stdin });
  if (end.code !== 0) throw explain(`write the files of ${folder}`, shell, end);
}

/** What is wrong with a file; a mode is told as it is. */
export type FileState = "intact" | "missing" | "changed" | `has mode ${string}`;

const INSPECT = `for path; do
  if [ -f "$path" ]; then printf "%s %s\\n" "$(stat -c %a -- "$path")" "$(sha256sum <"$path")"; else echo missing; fi
done`;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

function stateOf(line: string, { content, mode }: PlannedFile): FileState {
  const [found, hash] = line.split(" ");
  if (hash === undefined) return "missing";
  if (hash !== sha256(content)) return "changed";
  return Number.parseInt(found ?? "", 8) === Number.parseInt(mode, 8) ? "intact" : `has mode 0${found}`;
}

type Files = Readonly<Record<string, PlannedFile>>;

/** How the files are that should be there, by path. */
export async function inspectFiles(
  shell: HostShell,
  folder: string,
  files: Files,
): Promise<ReadonlyMap<string, FileState>> {
  const entries = Object.entries(files);
  const paths = entries.map(([path]) => join(folder, path));
  const end = await shell.run(["sh", "-c", INSPECT, "sh", ...paths]);
  if (end.code !== 0) throw explain(`look at the files of ${folder}`, shell, end);
  const lines = end.stdout.split("\n");
  return new Map(entries.map(([path, file], index) => [path, stateOf(lines[index] ?? "", file)]));
}

/** Writes those that are not there as they should be. Returns the paths that containers do not see before they start anew. */
export async function writeFiles(shell: HostShell, folder: string, files: Files): Promise<readonly string[]> {
  const states = await inspectFiles(shell, folder, files);
  const stale = Object.entries(files).filter(([path]) => states.get(path) !== "intact");
  if (stale.length > 0) await replaceFiles(shell, folder, stale);
  const paths = stale.map(([path]) => path);
  return paths.filter((path) => states.get(path) === "missing" || !SECRET.test(path));
}

const REMOVE = `set -eu
cd -- "$1" 2>/dev/null || exit 0
shift
rm -f -- "$@"
for path; do
  folder=$(dirname -- "$path")
  while [ "$folder" != . ]; do
    rmdir -- "$folder" 2>/dev/null || break
    folder=$(dirname -- "$folder")
  done
done`;

/** Removes files of the folder, and folders in it that this leaves empty. */
export async function removeFiles(shell: HostShell, folder: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const end = await shell.run(["sh", "-c", REMOVE, "sh", folder, ...paths]);
  if (end.code !== 0) throw explain(`remove files of ${folder}`, shell, end);
}

/** Removes the folder, if nothing of others is in it. Returns whether it is gone. */
export async function removeFolder(shell: HostShell, folder: string): Promise<boolean> {
  const script = 'rmdir -- "$1" 2>/dev/null; [ ! -e "$1" ]';
  return (await shell.run(["sh", "-c", script, "sh", folder])).code === 0;
}
