import { isAbsolute, join, resolve } from "node:path";
import type { Config, Input } from "@pulumi/pulumi";
import type { ComposeHost } from "../components/hosts/compose/project-inputs.ts";
import { HostError } from "../components/hosts/errors.ts";
import { PATHS, stackPaths } from "../components/paths.ts";
import { readLock } from "../components/platform/image-lock.ts";
import { type ImageSettings, imageSettings } from "../components/platform/image-settings.ts";
import { IMAGES, type ImageTarget } from "../components/platform/images.ts";
import { type ProjectImages, projectImages } from "../components/platform/project-images.ts";
import { resolveImages } from "../components/platform/resolve-images.ts";
import { type ResolvedFleet, resolveFleet } from "../components/spec/resolve.ts";
import { apiUrl, clientFiles } from "../components/targets/compose/client-files.ts";
import { compose as target } from "../components/targets/compose/compile.ts";
import { ComposeFleet } from "../components/targets/compose/component.ts";
import type { ComposeContext, ServerImage } from "../components/targets/compose/context.ts";
import { dockerHost, parseHost, projectName } from "../components/targets/compose/host.ts";
import { VARIABLE } from "../components/targets/compose/names.ts";
import { handlersDigest } from "../components/targets/local/handlers-digest.ts";
import type { OutsideUrl } from "../components/targets/outside-urls.ts";
import { outsideUrls } from "./outside-urls.ts";
import { handlerSecrets } from "./secrets.ts";

/** What is not run needs no digest. */
function serverImages(
  fleet: ResolvedFleet,
  ownDatabase: boolean,
  settings: ImageSettings,
): ComposeContext["images"] {
  const { enabled, grafana, logs } = fleet.observability;
  const wanted: Readonly<Record<ServerImage, boolean>> = {
    redis: true,
    postgres: ownDatabase,
    redisExporter: enabled,
    prometheus: enabled,
    alertmanager: enabled,
    grafana,
    loki: logs,
    alloy: logs,
  };
  const names = Object.keys(wanted) as ServerImage[];
  const known = resolveImages(
    names.filter((name) => wanted[name]),
    settings,
  );
  const references = names.map((name) => [name, known[name] ?? IMAGES[name].reference]);
  return Object.fromEntries(references) as ComposeContext["images"];
}

const VARIABLES: Readonly<Record<ImageTarget, string>> = {
  worker: VARIABLE.image,
  "watch-queue": VARIABLE.watchImage,
  backup: VARIABLE.backupImage,
};

function byVariable(images: ProjectImages): Readonly<Record<string, Input<string>>> {
  const entries = Object.entries(images) as [ImageTarget, Input<string>][];
  return Object.fromEntries(entries.map(([name, reference]) => [VARIABLES[name], reference]));
}

async function handlersOf(fleet: ResolvedFleet, host: ComposeHost): Promise<ComposeContext["handlers"]> {
  if (fleet.handlers === "") return null;
  if (host.kind === "ssh")
    throw new HostError(
      `handlers: ${fleet.handlers}: a folder of this machine is not on ${host.destination}: put the handlers into an ` +
        "image of your own (FROM the worker image) and name that (taskfleet:image)",
    );
  const directory = resolve(PATHS.root, fleet.handlers);
  return { directory, digest: await handlersDigest(directory) };
}

/** The project's folder on the engine's host. @throws HostError */
function directoryOf(config: Config, stack: string, host: ComposeHost): string {
  const own = join(stackPaths(stack).directory, "compose");
  const directory =
    config.get("directory") ?? (host.kind === "local" ? own : `~/taskfleet/${projectName(stack)}`);
  if (isAbsolute(directory) || (host.kind === "ssh" && directory.startsWith("~/"))) return directory;
  throw new HostError(`taskfleet:directory: got ${JSON.stringify(directory)}; allowed: an absolute path`);
}

/** The file that says where a stack's project is, on this machine. */
const recordFile = (stack: string) => join(stackPaths(stack).directory, "compose-project.json");

/**
 * A fleet as a Compose project. Config: `taskfleet:fleet` (the spec), `taskfleet:host` and `taskfleet:hostKey` (an engine
 * reached over SSH), `taskfleet:directory` (the project's folder there), `taskfleet:image` and its kin (images, see
 * `docs/image.md`), `taskfleet:secrets`, `taskfleet:databaseUrl` and its kin, and `taskfleet:deleteData` (the volumes go
 * with the stack; by default they stay).
 */
export async function compose(stack: string, config: Config): Promise<Record<string, unknown>> {
  const fleet = resolveFleet(config.getObject("fleet") ?? {}, target.name);
  const host = parseHost(config.get("host"), config.get("hostKey") ?? "");
  const secrets = handlerSecrets(config);
  const outside = outsideUrls(config, fleet);
  const outsideDatabase = outside === null ? null : (Object.keys(outside) as OutsideUrl[]);
  const settings = imageSettings(config, readLock(PATHS.imageLock));
  const directory = directoryOf(config, stack, host);
  const document = target.compile(fleet, {
    project: projectName(stack),
    images: serverImages(fleet, fleet.recordRuns && outside === null, settings),
    handlers: await handlersOf(fleet, host),
    hasSecrets: secrets !== undefined,
    outsideDatabase,
  });
  const wanted: readonly ImageTarget[] = [
    "worker",
    "watch-queue",
    ...(fleet.backup.enabled ? (["backup"] as const) : []),
  ];
  const engine = host.kind === "ssh" ? dockerHost(host) : undefined;
  const images = byVariable(await projectImages(`${stack}-images`, settings, wanted, engine));
  const { project } = document;
  const running = new ComposeFleet(
    stack,
    document,
    {
      directory,
      host,
      images,
      deleteData: config.getBoolean("deleteData") ?? false,
      record: recordFile(stack),
      clientFiles: clientFiles(fleet, {
        paths: stackPaths(stack),
        project,
        directory,
        host,
        outsideDatabase,
      }),
    },
    { ...outside, ...(secrets === undefined ? {} : { handlerSecrets: secrets }) },
  );
  const { folder, imageIds, replicas, published } = running.project;
  return {
    project,
    folder,
    published,
    replicas,
    ...(fleet.api.enabled ? { apiUrl: apiUrl(fleet, host) } : {}),
    images: imageIds,
    imageTag: imageIds.apply((ids) => ids[VARIABLE.image]),
    lostTasks: document.lostTasks,
  };
}
