/** How the stand-in images' folders are filled. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath } from "../../../components/find-on-path.ts";
import type { DockerEngine } from "../docker-engine.ts";

const PATH = `/usr/bin:/usr/sbin:${process.env.PATH ?? ""}`;

/** Programs that every image on Debian has, as far as ours or a user's start scripts call them. */
const DEBIAN = [
  ...[
    "sh",
    "bash",
    "cat",
    "chmod",
    "chown",
    "cp",
    "cut",
    "date",
    "dd",
    "df",
    "echo",
    "env",
    "false",
    "find",
    "grep",
  ],
  ...[
    "head",
    "id",
    "kill",
    "ln",
    "locale",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "ps",
    "rm",
    "rmdir",
    "sed",
    "sha256sum",
    "sleep",
  ],
  ...["sort", "stat", "tail", "tar", "test", "touch", "tr", "true", "wc", "xargs"],
];

const LABEL = "taskfleet.standin";

/** What an image is made by: its maker's file and this one. */
export interface Recipe {
  /** An instruction for the image made by it. */
  readonly label: string;
  /** Whether the engine has the image as this recipe makes it. */
  isMade(engine: DockerEngine, image: string): boolean;
}

/** @param file the maker's own */
export function recipe(file: string): Recipe {
  const hash = createHash("sha256");
  for (const part of [file, import.meta.filename]) hash.update(readFileSync(part));
  const label = `${LABEL}=${hash.digest("hex")}`;
  return {
    label: `LABEL ${label}`,
    isMade: (engine, image) =>
      engine.run("image", "ls", "-q", "--filter", `label=${label}`, image).trim() !== "",
  };
}

/** A program of this machine. @throws where it is not installed */
export function programHere(name: string): string {
  const file = findOnPath(name, PATH);
  if (file === undefined) throw new Error(`${name} is not installed: a stand-in image is made of it`);
  return file;
}

/** Which of these programs are not installed, in words; `undefined` when all are. */
export function missingPrograms(names: readonly string[]): string | undefined {
  const missing = names.filter((name) => findOnPath(name, PATH) === undefined);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** Puts a program of this machine at another place in an image's folder, with its libraries. */
export function putProgram(engine: DockerEngine, root: string, file: string, place: string): void {
  putFile(root, file, place, 0o755);
  if (execFileSync("head", ["-c", "4", file]).toString("latin1") !== "\x7fELF") return;
  if (isStatic(file)) return;
  engine.copyLibraries(root, [file]);
}

function isStatic(file: string): boolean {
  try {
    execFileSync("ldd", [file], { stdio: ["ignore", "ignore", "ignore"] });
    return false;
  } catch {
    return true;
  }
}

export function putFile(root: string, file: string, place: string, mode: number): void {
  const target = join(root, place);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(file, target);
  chmodSync(target, mode);
}

export function putText(root: string, place: string, text: string, mode = 0o644): void {
  const target = join(root, place);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  chmodSync(target, mode);
}

/** Copies a folder of this machine as it is, links too. */
export function putFolder(root: string, folder: string): void {
  mkdirSync(join(root, dirname(folder)), { recursive: true });
  execFileSync("cp", ["-a", folder, join(root, folder)]);
}

/** A folder that a user of the image writes to. */
export function ownFolder(root: string, place: string, uid: number, mode = 0o755): void {
  const target = join(root, place);
  mkdirSync(target, { recursive: true });
  chownSync(target, uid, uid);
  chmodSync(target, mode);
}

export function addUser(root: string, name: string, uid: number, home: string): void {
  appendFileSync(join(root, "etc/passwd"), `${name}:x:${uid}:${uid}::${home}:/bin/sh\n`);
  appendFileSync(join(root, "etc/group"), `${name}:x:${uid}:\n`);
}

/** A folder with what the images on Debian have: a shell and small programs. */
export function debianFolder(engine: DockerEngine): string {
  const root = engine.rootFolder();
  engine.copyPrograms(root, DEBIAN);
  // Node's are those of the packages libc6, libgcc-s1 and libstdc++6.
  engine.copyLibraries(root, [process.execPath]);
  putText(root, "etc/nsswitch.conf", "hosts: files dns\n");
  return root;
}

/** A folder with what the images on busybox have. */
export function busyboxFolder(engine: DockerEngine): string {
  const root = engine.rootFolder();
  putProgram(engine, root, programHere("busybox"), "usr/bin/busybox");
  const names = execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n");
  for (const name of names.filter((name) => name !== "busybox"))
    symlinkSync("busybox", join(root, "usr/bin", name));
  putText(root, "etc/nsswitch.conf", "hosts: files dns\n");
  return root;
}
