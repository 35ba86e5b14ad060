/** The project's `.env`: what the spec says of it, and what only the engine's host can tell. */
import type { ComposeEngine } from "./compose-engine.ts";

type Variables = Readonly<Record<string, string>>;

const MAIN_IMAGE = "TASKFLEET_IMAGE";
/** What results call the image: its config digest. */
const IMAGE_TAG = "TASKFLEET_IMAGE_TAG";
const DEFAULT_SOCKET = "/var/run/docker.sock";

/** Where the project's folder, the engine's socket and its group are on their host. */
export async function hostVariables(engine: ComposeEngine, folder: string): Promise<Variables> {
  const format = "{{.Endpoints.docker.Host}}";
  const address = (await engine.docker(["context", "inspect", "--format", format])).stdout.trim();
  const socket = address.startsWith("unix://") ? address.slice("unix://".length) : DEFAULT_SOCKET;
  const group = await engine.shell.run(["stat", "-Lc", "%g", "--", socket]);
  return {
    TASKFLEET_PROJECT_DIRECTORY: folder,
    TASKFLEET_DOCKER_SOCKET: socket,
    TASKFLEET_DOCKER_GROUP: group.code === 0 ? group.stdout.trim() : "0",
  };
}

/** All that the provider knows of: `images` by variable, their digests, and what the host told. */
export function projectVariables(images: Variables, ids: Variables, host: Variables): Variables {
  const id = ids[MAIN_IMAGE];
  return { ...images, ...(id === undefined ? {} : { [IMAGE_TAG]: id }), ...host };
}

/** A value that Compose reads back as it is. */
function quoted(value: string): string {
  return /^[\w./:@+-]*$/.test(value) ? value : `"${value.replaceAll(/[\\"$]/g, (sign) => `\\${sign}`)}"`;
}

/** `text` with these variables in the place of what it says of them. */
export function withVariables(text: string, variables: Variables): string {
  const named = (line: string) => line.split("=")[0] ?? "";
  const kept = text.split("\n").filter((line) => line !== "" && variables[named(line)] === undefined);
  // The engine's state keeps no order of keys.
  const sorted = Object.entries(variables).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const lines = sorted.map(([name, value]) => `${name}=${quoted(value)}`);
  return [...kept, ...lines, ""].join("\n");
}
