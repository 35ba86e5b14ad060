import { HostError } from "../errors.ts";
import type { ComposeEngine } from "./compose-engine.ts";
import { type Definition, readDefinition } from "./definition.ts";
import { countReplicas, findDrift, publishedPorts } from "./drift.ts";
import { inspectFiles } from "./project-files.ts";
import { findImageIds, withImages } from "./project-images.ts";
import type { ComposeProjectInputs, ComposeProjectState, PlannedFile } from "./project-inputs.ts";

type ByVariable = Readonly<Record<string, string>>;

/** The files as they are written: `.env` names the images, and the digest that was found. */
export function filesWithImages(
  { files, images }: Pick<ComposeProjectInputs, "files" | "images">,
  ids: ByVariable,
): Readonly<Record<string, PlannedFile>> {
  const old = files[".env"] ?? { content: "", mode: "0644" };
  return { ...files, ".env": { ...old, content: withImages(old.content, images, ids) } };
}

async function definitionOf(engine: ComposeEngine, folder: string): Promise<Definition | null> {
  try {
    return await readDefinition(engine, folder);
  } catch (error) {
    // Broken by hand: the file is told as changed.
    if (error instanceof HostError) return null;
    throw error;
  }
}

/** What the host says of a project that was brought up with these images. */
export async function observe(
  engine: ComposeEngine,
  inputs: ComposeProjectInputs,
  folder: string,
  imageIds: ByVariable,
): Promise<ComposeProjectState> {
  const [files, containers, found] = await Promise.all([
    inspectFiles(engine.shell, folder, filesWithImages(inputs, imageIds)),
    engine.containers(),
    findImageIds(engine, inputs.images),
  ]);
  const ours = ["compose.yaml", ".env"].every((path) => files.get(path) === "intact");
  const definition = ours ? await definitionOf(engine, folder) : null;
  const observed = { files, containers, definition, imageIds: found };
  return {
    folder,
    imageIds,
    drift: findDrift({ services: inputs.services, imageIds }, observed),
    replicas: countReplicas(inputs.services, containers),
    published: publishedPorts(containers),
  };
}
