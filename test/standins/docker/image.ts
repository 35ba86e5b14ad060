import { execFileSync } from "node:child_process";

/** What `@pulumi/docker` sends. */
export interface ImageInputs {
  readonly imageName: string;
  readonly skipPush?: boolean;
  readonly build: {
    readonly context: string;
    readonly dockerfile: string;
    readonly target?: string;
    readonly args?: Readonly<Record<string, string>>;
    readonly platform?: string;
    readonly builderVersion?: string;
  };
}

export interface ImageOutputs {
  readonly baseImageName: string;
  readonly context: string;
  readonly dockerfile: string;
  readonly platform: string;
  readonly registryServer: string;
  /** `repository@sha256:...` of a pushed image, else the image's id. */
  readonly repoDigest: string;
}

// The first `docker` with which the engine of the test builds.
const DOCKER = "/usr/bin/docker";

function docker(...words: readonly string[]): string {
  const env = { ...process.env, DOCKER_BUILDKIT: "1" };
  return execFileSync(DOCKER, words, { env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Builds, and pushes unless told not to. */
export function buildImage({ imageName, build, skipPush = false }: ImageInputs): ImageOutputs {
  if (build.builderVersion !== "BuilderBuildKit")
    throw new Error(`builderVersion: got ${build.builderVersion}`);
  const args = Object.entries(build.args ?? {}).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const target = build.target === undefined ? [] : ["--target", build.target];
  const platform = build.platform === undefined ? [] : ["--platform", build.platform];
  const place = ["-f", build.dockerfile, "-t", imageName, build.context];
  // An engine of a test has no networks.
  docker("build", "--quiet", "--network", "host", ...target, ...platform, ...args, ...place);
  if (!skipPush) docker("push", "--quiet", imageName);
  const repository = imageName.replace(/:[^:/]*$/, "");
  const pushed = docker(
    "image",
    "inspect",
    "--format",
    "{{range .RepoDigests}}{{println .}}{{end}}",
    imageName,
  )
    .split("\n")
    .find((line) => line.startsWith(`${repository}@`));
  const repoDigest = skipPush ? docker("image", "inspect", "--format", "{{.Id}}", imageName) : pushed;
  if (repoDigest === undefined) throw new Error(`the engine knows no digest of ${repository} after its push`);
  const [server = ""] = repository.split("/");
  return {
    baseImageName: imageName,
    context: build.context,
    dockerfile: build.dockerfile,
    platform: build.platform ?? docker("version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"),
    registryServer: skipPush ? "" : server,
    repoDigest,
  };
}
