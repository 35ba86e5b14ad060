import { HostError } from "../errors.ts";
import type { ComposeEngine } from "./compose-engine.ts";
import type { Definition } from "./definition.ts";
import { lastWords } from "./host-shell.ts";

const PULL_SECONDS = 1800;

type ByVariable = Readonly<Record<string, string>>;

async function idOf(engine: ComposeEngine, reference: string): Promise<string | undefined> {
  const end = await engine.docker(["image", "inspect", "--format", "{{.Id}}", reference]);
  if (end.code === 0) return end.stdout.trim();
  if (/No such image/i.test(end.stderr)) return undefined;
  throw new HostError(`docker image inspect failed on ${engine.shell.name}: ${lastWords(end)}`);
}

/** Config digests of the images that the engine has. */
export async function findImageIds(engine: ComposeEngine, images: ByVariable): Promise<ByVariable> {
  const found = await Promise.all(
    Object.entries(images).map(
      async ([variable, reference]) => [variable, await idOf(engine, reference)] as const,
    ),
  );
  return Object.fromEntries(found.flatMap(([variable, id]) => (id === undefined ? [] : [[variable, id]])));
}

/** Pulls an image that the engine does not have. @throws HostError when that fails. */
async function ensureImage(engine: ComposeEngine, reference: string): Promise<string> {
  const there = await idOf(engine, reference);
  if (there !== undefined) return there;
  console.error(`pulling ${reference} on ${engine.shell.name}`);
  const end = await engine.docker(["pull", "--quiet", reference], { timeoutSeconds: PULL_SECONDS });
  const pulled = end.code === 0 ? await idOf(engine, reference) : undefined;
  if (pulled !== undefined) return pulled;
  throw new HostError(
    `image ${reference} is not on the engine of ${engine.shell.name} and cannot be pulled: ${lastWords(end)}; ` +
      "load or build it there, or name another one (taskfleet:image, taskfleet:images)",
  );
}

/** Config digests by variable; images that are missing are pulled. */
export async function ensureImages(engine: ComposeEngine, images: ByVariable): Promise<ByVariable> {
  const found: [string, string][] = [];
  for (const [variable, reference] of Object.entries(images))
    found.push([variable, await ensureImage(engine, reference)]);
  return Object.fromEntries(found);
}

/** The images of the services, beside those that have a variable. */
export async function ensureServiceImages(engine: ComposeEngine, definition: Definition): Promise<void> {
  const references = new Set(Object.values(definition).map(({ image }) => image));
  for (const reference of references) if (reference !== "") await ensureImage(engine, reference);
}
