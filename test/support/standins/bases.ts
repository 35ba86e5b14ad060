/**
 * Stand-ins for the official base images, made of this machine's programs, for where no image can be pulled. They
 * hold what the Dockerfile needs of them and are named after what they stand in for.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { findOnPath } from "../../../components/find-on-path.ts";
import type { DockerEngine } from "../docker-engine.ts";
import { recipe } from "./image-folder.ts";

/** Build arguments of `worker/Dockerfile`, by name. */
export type BaseImages = Readonly<Record<"BUILD_BASE" | "GO_BASE" | "TOOLBOX_BASE" | "BASE", string>>;

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
/** What the tools of a build stage run beside themselves. */
const SHELL = ["sh", "env", "mkdir", "rm"];

/** Why they cannot be made here; `undefined` when they can. */
export function basesProblem(): string | undefined {
  const missing = ["busybox", "npm", "go"].filter(
    (name) => findOnPath(name, process.env.PATH ?? "") === undefined,
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** Names after what they stand in for; `prefix` of the makers that want other images than those of everybody. */
function names(prefix: string): BaseImages {
  return {
    BUILD_BASE: `${prefix}/node`,
    GO_BASE: `${prefix}/golang`,
    TOOLBOX_BASE: `${prefix}/busybox`,
    BASE: `${prefix}/distroless-nodejs`,
  };
}

const MAKERS: Readonly<Record<keyof BaseImages, (engine: DockerEngine, name: string) => void>> = {
  BUILD_BASE: nodeBase,
  GO_BASE: goBase,
  TOOLBOX_BASE: toolboxBase,
  BASE: runtimeBase,
};

const RECIPE = recipe(import.meta.filename);

/** Makes those that the engine does not have as this file makes them: with the same bases, it need not build anew. */
export function makeBases(engine: DockerEngine): BaseImages {
  const images = names("standin");
  for (const [name, image] of Object.entries(images) as [keyof BaseImages, string][])
    if (!RECIPE.isMade(engine, image)) MAKERS[name](engine, image);
  return images;
}

const OTHERS = "standin-other";

/** Others with the same contents for the stages that build, so that nothing that was built before is used again. */
export function otherBuilders(engine: DockerEngine): Pick<BaseImages, "BUILD_BASE" | "GO_BASE"> {
  const { BUILD_BASE, GO_BASE } = names(OTHERS);
  nodeBase(engine, BUILD_BASE);
  goBase(engine, GO_BASE);
  return { BUILD_BASE, GO_BASE };
}

/** Node and npm, with a shell. */
function nodeBase(engine: DockerEngine, name: string): void {
  const root = engine.rootFolder();
  engine.copyPrograms(root, SHELL);
  putNode(engine, root, "usr/local/bin/node");
  certificates(root);
  const npm = dirname(dirname(realpathSync(findOnPath("npm", process.env.PATH ?? "") ?? "")));
  cpSync(npm, join(root, "usr/local/lib/npm"), { recursive: true });
  symlinkSync("../lib/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm"));
  engine.import(root, name, [
    RECIPE.label,
    "ENV PATH=/usr/local/bin:/usr/bin",
    `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`,
  ]);
}

/** Go's toolchain, with a shell. */
function goBase(engine: DockerEngine, name: string): void {
  const root = engine.rootFolder();
  engine.copyPrograms(root, SHELL);
  certificates(root);
  const toolchain = execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim();
  mkdirSync(join(root, "usr/local"), { recursive: true });
  const skipped = new Set(["test", "api", "doc", "misc", "src/cmd"].map((part) => join(toolchain, part)));
  cpSync(toolchain, join(root, "usr/local/go"), { recursive: true, filter: (path) => !skipped.has(path) });
  engine.import(root, name, [RECIPE.label, "ENV PATH=/usr/local/go/bin:/usr/bin", "ENV HOME=/tmp"]);
}

/** A static busybox where the official image has it. */
function toolboxBase(engine: DockerEngine, name: string): void {
  const root = engine.rootFolder();
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  copyFileSync(findOnPath("busybox", process.env.PATH ?? "") ?? "", join(root, "usr/bin/busybox"));
  engine.import(root, name, [RECIPE.label]);
}

/** Node alone, at the place that distroless has it. */
function runtimeBase(engine: DockerEngine, name: string): void {
  const root = engine.rootFolder();
  putNode(engine, root, "nodejs/bin/node");
  certificates(root);
  writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  engine.import(root, name, [RECIPE.label, "USER 65532:65532"]);
}

function putNode(engine: DockerEngine, root: string, place: string): void {
  const target = join(root, place);
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(process.execPath, target);
  chmodSync(target, 0o755);
  engine.copyLibraries(root, [process.execPath]);
}

function certificates(root: string): void {
  mkdirSync(join(root, dirname(CERTIFICATES)), { recursive: true });
  copyFileSync(CERTIFICATES, join(root, CERTIFICATES));
}
