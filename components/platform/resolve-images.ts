import { HostError } from "../hosts/errors.ts";
import { nearestName } from "../spec/nearest-name.ts";
import type { ImageLock } from "./image-lock.ts";
import { parseReference } from "./image-reference.ts";
import { IMAGE_NAMES, IMAGES, type ImageName, type ImageTarget, TARGETS } from "./images.ts";

export type ImageOverrides = Readonly<Partial<Record<ImageName, string>>>;

/** Config `taskfleet:images`, from name to reference. @throws HostError with all problems */
export function checkOverrides(given: unknown): ImageOverrides {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new HostError(
      `taskfleet:images: got ${JSON.stringify(given)}; allowed: an object, from name to reference`,
    );
  const problems = Object.entries(given).flatMap(
    ([name, reference]) => overrideProblem(name, reference) ?? [],
  );
  if (problems.length > 0) throw new HostError(problems.join("\n"));
  return given as ImageOverrides;
}

function overrideProblem(name: string, reference: unknown): string | undefined {
  if (!IMAGE_NAMES.includes(name as ImageName)) {
    const nearest = nearestName(name, IMAGE_NAMES);
    const meant = nearest === undefined ? "" : ` (did you mean ${nearest}?)`;
    return `taskfleet:images.${name}: there is no such image${meant}; allowed: ${IMAGE_NAMES.join(", ")}`;
  }
  if (typeof reference === "string" && parseReference(reference) !== undefined) return undefined;
  return `taskfleet:images.${name}: got ${JSON.stringify(reference)}; allowed: a reference such as registry.example/redis:7.2 or redis@sha256:<64 hex digits>`;
}

/** What is known of images beside their list. */
export interface KnownImages {
  readonly overrides: ImageOverrides;
  readonly lock: ImageLock;
}

/**
 * References of images, each by digest unless it is overridden: an override is taken as given.
 *
 * @throws HostError that names every image of which no digest is known
 */
export function resolveImages<Name extends ImageName>(
  names: readonly Name[],
  { overrides, lock }: KnownImages,
): Readonly<Record<Name, string>> {
  const found = names.map((name) => [name, overrides[name] ?? locked(IMAGES[name].reference, lock)] as const);
  const missing = found.flatMap(([name, reference]) =>
    reference === undefined ? [`${name} (${IMAGES[name].reference})`] : [],
  );
  if (missing.length > 0)
    throw new HostError(
      `no digest is locked of ${missing.join(", ")}: run taskfleet images lock where the registries can be reached, ` +
        "or name images of your own in config taskfleet:images (docs/air-gapped.md)",
    );
  return Object.fromEntries(found) as Record<Name, string>;
}

function locked(reference: string, lock: ImageLock): string | undefined {
  const digest = lock[reference];
  return digest === undefined ? undefined : `${reference}@${digest}`;
}

/** Build arguments of `worker/Dockerfile` for one target. @throws HostError as `resolveImages` */
export function baseArguments(target: ImageTarget, known: KnownImages): Readonly<Record<string, string>> {
  const bases: readonly ImageName[] = TARGETS[target];
  const references = resolveImages(bases, known);
  return Object.fromEntries(bases.map((name) => [IMAGES[name].argument, references[name]]));
}
