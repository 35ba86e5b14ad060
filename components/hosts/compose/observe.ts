import { HostError } from "../errors.ts";
import type { ComposeEngine } from "./compose-engine.ts";
import { type Definition, readDefinition } from "./definition.ts";
import { countReplicas, findDrift, publishedPorts } from "./drift.ts";
import { withVariables } from "./env-file.ts";
import { inspectFiles } from "./project-files.ts";
import { findImageIds } from "./project-images.ts";
import type { ComposeProjectInputs, ComposeProjectState, PlannedFile } from "./project-inputs.ts";

type ByVariable = Readonly<Record<string, string>>;

/** The files as they are written: `.env` has the variables that the provider found out. */
export function filesWithVariables(
  { files }: Pick<ComposeProjectInputs, "files">,
  variables: ByVariable,
): Readonly<Record<string, PlannedFile>> {
  const old = files[".env"] ?? { content: "", mode: "0644" };
  return { ...files, ".env": { ...old, content: withVariables(old.content, variables) } };
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

/** What the host says of a project that was brought up so. */
export async function observe(
  engine: ComposeEngine,
  inputs: ComposeProjectInputs,
  { folder, imageIds, variables }: Pick<ComposeProjectState, "folder" | "imageIds" | "variables">,
): Promise<ComposeProjectState> {
  const [files, containers, found] = await Promise.all([
    inspectFiles(engine.shell, folder, filesWithVariables(inputs, variables)),
    engine.containers(),
    findImageIds(engine, inputs.images),
  ]);
  const ours = ["compose.yaml", ".env"].every((path) => files.get(path) === "intact");
  const definition = ours ? await definitionOf(engine, folder) : null;
  const observed = { files, containers, definition, imageIds: found };
  return {
    folder,
    imageIds,
    variables,
    drift: findDrift({ services: inputs.services, imageIds }, observed),
    replicas: countReplicas(inputs.services, containers),
    published: publishedPorts(containers),
  };
}
