import type { Input } from "@pulumi/pulumi";
import type { ImageSettings } from "./image-settings.ts";
import type { ImageTarget } from "./images.ts";

/** The project's own images, as references; one of a target that is not wanted is absent. */
export type ProjectImages = Readonly<Partial<Record<ImageTarget, Input<string>>>>;

/**
 * References of the project's images for a stack: those that config gives, and the others built through
 * `@pulumi/docker`, which is loaded only then.
 *
 * @param engine the engine that builds, as `DOCKER_HOST`; default: the one that Docker's command line would use
 * @throws HostError where a base's digest is not known
 */
export async function projectImages(
  name: string,
  settings: ImageSettings,
  wanted: readonly ImageTarget[],
  engine?: string,
): Promise<ProjectImages> {
  const built = wanted.filter((target) => settings.given[target] === undefined);
  const given = wanted.map((target) => [target, settings.given[target]] as const);
  const ready = Object.fromEntries(given.filter(([, reference]) => reference !== undefined));
  if (built.length === 0) return ready;
  const { WorkerImages } = await import("./worker-image.ts");
  return {
    ...ready,
    ...new WorkerImages(name, { ...settings, ...(engine === undefined ? {} : { engine }) }, built).references,
  };
}
