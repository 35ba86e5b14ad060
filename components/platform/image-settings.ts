import { HostError } from "../hosts/errors.ts";
import { parseReference } from "./image-reference.ts";
import { type ImageTarget, TARGET_NAMES } from "./images.ts";
import { checkOverrides, type KnownImages } from "./resolve-images.ts";

/** Config, by the name of each image that may be given ready-made. */
export const GIVEN = {
  worker: "image",
  "watch-queue": "watchImage",
  backup: "backupImage",
} as const satisfies Readonly<Record<ImageTarget, string>>;

/** Where the project's images come from: config `taskfleet:...`. */
export interface ImageSettings extends KnownImages {
  /** References that are taken as they are; others are built. */
  readonly given: Readonly<Partial<Record<ImageTarget, string>>>;
  /** `registry.example/team`: built images are pushed there and pinned by digest; "": they stay on the engine. */
  readonly registry: string;
  /** `linux/amd64`; "": the engine's own. */
  readonly platform: string;
}

/** What a stack's config is asked for. */
export interface ImageConfig {
  get(name: string): string | undefined;
  getObject(name: string): unknown;
}

const PLATFORM = /^linux\/[a-z0-9]+(?:\/[a-z0-9]+)?$/;

/** Reads config `image`, `watchImage`, `backupImage`, `images`, `registry` and `platform`. @throws HostError */
export function imageSettings(config: ImageConfig, lock: KnownImages["lock"]): ImageSettings {
  const given = TARGET_NAMES.flatMap((target) => {
    const reference = config.get(GIVEN[target]);
    return reference === undefined ? [] : [[target, asReference(`taskfleet:${GIVEN[target]}`, reference)]];
  });
  const registry = config.get("registry") ?? "";
  const { tag, digest } = (registry === "" ? undefined : parseReference(registry)) ?? {};
  if (registry !== "" && (tag !== "" || digest !== ""))
    throw new HostError(
      `taskfleet:registry: got ${JSON.stringify(registry)}; allowed: a registry and a path, such as registry.example/team`,
    );
  const platform = config.get("platform") ?? "";
  if (platform !== "" && !PLATFORM.test(platform))
    throw new HostError(
      `taskfleet:platform: got ${JSON.stringify(platform)}; allowed: one of Linux, such as linux/amd64 or linux/arm64`,
    );
  return {
    given: Object.fromEntries(given),
    overrides: checkOverrides(config.getObject("images") ?? {}),
    ...{ lock, registry, platform },
  };
}

function asReference(field: string, text: string): string {
  // An image's own digest names it too.
  if (parseReference(text) !== undefined || /^sha256:[0-9a-f]{64}$/.test(text)) return text;
  throw new HostError(
    `${field}: got ${JSON.stringify(text)}; allowed: a reference such as registry.example/taskfleet-worker@sha256:<64 hex digits>`,
  );
}

/** The repository of a target's built image. */
export function repositoryOf(target: ImageTarget, registry: string): string {
  const name = `taskfleet-${target}`;
  return registry === "" ? name : `${registry.replace(/\/$/, "")}/${name}`;
}
