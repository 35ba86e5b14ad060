/** The project's own images, built by `worker/Dockerfile` on stand-ins of its bases. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PATHS } from "../../../components/paths.ts";
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

/** Builds all images of the project as `standin/taskfleet-<target>`; gives their references by target. */
export function buildImages(engine: DockerEngine): Readonly<Record<string, string>> {
  const bases = standinBases(engine);
  const images = IMAGE_TARGETS.map((target) => [target, `standin/taskfleet-${target}`] as const);
  for (const [target, image] of images) buildTarget(engine, target, image, bases);
  return Object.fromEntries(images);
}
