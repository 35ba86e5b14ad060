import { type Command, InvalidArgumentError } from "commander";
import { parse } from "yaml";
import { PATHS } from "../paths.ts";
import { dockerCredentials } from "../platform/docker-credentials.ts";
import { readLock } from "../platform/image-lock.ts";
import { imageSettings } from "../platform/image-settings.ts";
import { IMAGE_NAMES, IMAGES, type ImageName, TARGET_NAMES } from "../platform/images.ts";
import { findImage } from "../platform/registry.ts";
import { checkOverrides, type ImageOverrides } from "../platform/resolve-images.ts";
import { buildImages, configLines } from "./images-build.ts";
import { listImages, listText } from "./images-list.ts";
import { lockImages } from "./images-lock.ts";
import { checkStackName } from "./stack-name.ts";
import { stackConfig } from "./stack-target.ts";

const STACK = "compose";

/** `taskfleet:...` of a stack's config; none where it has no config yet. */
function configOf(stack: string): Readonly<Record<string, unknown>> {
  checkStackName(stack);
  const { config } = (parse(stackConfig(stack)) ?? {}) as { config?: Readonly<Record<string, unknown>> };
  return config ?? {};
}

interface BuildWords {
  readonly stack: string;
  readonly base: ImageOverrides;
  readonly registry?: string;
  readonly platform?: string;
  readonly network?: string;
  readonly json?: boolean;
}

async function build(given: BuildWords): Promise<void> {
  const { stack, base, network = "", json = false, ...chosen } = given;
  const config = configOf(stack);
  const read = (name: string) => config[`taskfleet:${name}`];
  const settings = imageSettings(
    {
      get: (name) => {
        const value = name in chosen ? chosen[name as keyof typeof chosen] : read(name);
        return value === undefined ? undefined : String(value);
      },
      getObject: (name) =>
        name === "images" ? { ...(read(name) as object | undefined), ...base } : read(name),
    },
    readLock(PATHS.imageLock),
  );
  const images = await buildImages({
    targets: TARGET_NAMES,
    settings,
    network,
    environment: process.env,
    output: process.stderr,
    now: Date.now,
  });
  process.stdout.write(json ? `${JSON.stringify(images)}\n` : configLines(images, stack));
}

/** `name=reference`, added to those before. */
function addBase(word: string, before: ImageOverrides): ImageOverrides {
  const [, name = "", reference = ""] = /^([^=]*)=(.*)$/.exec(word) ?? [];
  try {
    return { ...before, ...checkOverrides({ [name]: reference }) };
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace("taskfleet:images.", ""));
  }
}

/** The name of an image, added to those before. */
function addName(word: string, before: readonly ImageName[]): readonly ImageName[] {
  addBase(`${word}=any`, {});
  return [...before, word as ImageName];
}

function list(stack: string, json: boolean): void {
  const overrides = checkOverrides(configOf(stack)["taskfleet:images"] ?? {});
  const images = listImages({ overrides, lock: readLock(PATHS.imageLock) });
  process.stdout.write(json ? `${JSON.stringify(images)}\n` : listText(images));
}

async function lock(names: readonly ImageName[]): Promise<void> {
  const credentials = dockerCredentials(process.env);
  await lockImages({
    references: (names.length === 0 ? IMAGE_NAMES : names).map((name) => IMAGES[name].reference),
    find: (reference) => findImage(reference, credentials),
    file: PATHS.imageLock,
    output: process.stderr,
    now: Date.now,
  });
}

/** Adds `taskfleet images`. */
export function register(program: Command): void {
  const images = program
    .command("images")
    .description("official images that the project builds on or runs, and the project's own");
  images
    .command("list", { isDefault: true })
    .description("the official images by name, and whether their digests are locked")
    .option("-s, --stack <name>", "stack whose overrides (taskfleet:images) count", STACK)
    .option("--json", "as JSON")
    .action(({ stack, json }: { stack: string; json?: boolean }) => list(stack, json === true));
  images
    .command("lock")
    .description("ask the registries for the digests of the tags and write them into images.lock.json")
    .argument("[names...]", "images by name (default: all)", addName, [])
    .action((names: ImageName[]) => lock(names));
  images
    .command("build")
    .description(
      "build the images worker, watch-queue and backup, and print the config that has a stack use them",
    )
    .option("-s, --stack <name>", "stack whose config names bases, registry and platform", STACK)
    .option("--base <name=reference>", "a base of your own, by its name in the list; repeatable", addBase, {})
    .option("--registry <host/path>", "push there, and refer to the images by digest")
    .option("--platform <os/arch>", "such as linux/arm64 (default: the engine's own)")
    .option("--network <name>", "network of the build's steps, such as host (default: the engine's own)")
    .option("--json", "print the images as JSON")
    .action((words: BuildWords) => build(words));
}
