/** The project's own images, built by `worker/Dockerfile` on stand-ins of its bases. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PATHS } from "../../../components/paths.ts";
import { contextTag } from "../../../components/platform/build-context.ts";
import type { DockerEngine } from "../docker-engine.ts";
import { makeBases } from "./bases.ts";
import { makeServers } from "./servers.ts";

const DOCKERFILE = join(PATHS.root, "worker/Dockerfile");

/** The targets of `worker/Dockerfile` that are images. */
export const IMAGE_TARGETS = ["worker", "watch-queue", "backup"] as const;

/** Builds one target with these build arguments. */
export function buildTarget(
  engine: DockerEngine,
  target: string,
  image: string,
  bases: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): void {
  const given = Object.entries(bases).flatMap(([name, base]) => ["--build-arg", `${name}=${base}`]);
  const place = ["-f", DOCKERFILE, "--target", target, "-t", image, PATHS.root];
  // The engine's own network may have no way out.
  execFileSync(engine.docker, ["build", "--network", "host", ...given, ...more, ...place], {
    env: { ...engine.environment, DOCKER_BUILDKIT: "1" },
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** Stand-ins for all bases of `worker/Dockerfile`, by build argument. */
export function standinBases(engine: DockerEngine): Readonly<Record<string, string>> {
  const { dockerCli, postgres, redis } = makeServers(engine);
  return {
    ...makeBases(engine),
    DOCKER_CLI_BASE: dockerCli,
    POSTGRES_BASE: postgres,
    REDIS_BASE: redis,
  };
}

/**
 * Builds all images of the project; gives their references by target, which no other checkout that uses the engine builds
 * anew. `standin/taskfleet-<target>` means the last ones built.
 */
export function buildImages(engine: DockerEngine): Readonly<Record<string, string>> {
  const bases = standinBases(engine);
  const tag = contextTag(PATHS.root, bases);
  const images = IMAGE_TARGETS.map((target) => {
    const image = `standin/taskfleet-${target}`;
    buildTarget(engine, target, `${image}:${tag}`, bases);
    engine.run("tag", `${image}:${tag}`, image);
    return [target, `${image}:${tag}`] as const;
  });
  return Object.fromEntries(images);
}
