import { Image, Provider, type types } from "@pulumi/docker";
import { ComponentResource, type ComponentResourceOptions, type Output } from "@pulumi/pulumi";
import { PATHS } from "../paths.ts";
import { contextTag } from "./build-context.ts";
import { type ImageSettings, repositoryOf } from "./image-settings.ts";
import type { ImageTarget } from "./images.ts";
import { baseArguments } from "./resolve-images.ts";

/** Where and how images are built. */
export interface WorkerImagesArgs extends ImageSettings {
  /** The engine that builds, as `DOCKER_HOST`; default: the one that the Docker command line would use. */
  readonly engine?: string;
}

/**
 * The project's images, built from this checkout by `worker/Dockerfile`. With a registry each is pushed and referred to by
 * the digest that the registry gave; without one it stays on the engine under a tag that no other sources have.
 */
export class WorkerImages extends ComponentResource {
  readonly references: Readonly<Partial<Record<ImageTarget, Output<string>>>>;

  constructor(
    name: string,
    args: WorkerImagesArgs,
    targets: readonly ImageTarget[],
    options?: ComponentResourceOptions,
  ) {
    super("taskfleet:platform:WorkerImages", name, {}, options);
    const { engine } = args;
    const own =
      engine === undefined
        ? {}
        : { provider: new Provider(`${name}-engine`, { host: engine }, { parent: this }) };
    const references = targets.map((target) => {
      const image = new Image(`${name}-${target}`, imageArgs(target, args), { parent: this, ...own });
      return [target, args.registry === "" ? image.imageName : image.repoDigest] as const;
    });
    this.references = Object.fromEntries(references);
    this.registerOutputs({ references: this.references });
  }
}

function imageArgs(target: ImageTarget, args: WorkerImagesArgs) {
  const bases = baseArguments(target, args);
  const tag = contextTag(PATHS.root, { ...bases, platform: args.platform });
  const build: types.input.DockerBuild = {
    context: PATHS.root,
    dockerfile: `${PATHS.root}/worker/Dockerfile`,
    target,
    args: { ...bases, REVISION: tag },
    builderVersion: "BuilderBuildKit",
    ...(args.platform === "" ? {} : { platform: args.platform }),
  };
  return {
    imageName: `${repositoryOf(target, args.registry)}:${tag}`,
    build,
    skipPush: args.registry === "",
  };
}
