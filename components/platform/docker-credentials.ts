import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "./registry.ts";

/** Under what name `docker login` keeps Docker Hub. */
const HUB_KEY = "https://index.docker.io/v1/";

/**
 * What `docker login` left in Docker's configuration (`DOCKER_CONFIG`, else `~/.docker`); a credential helper's store is not
 * read. Without the file nothing is known.
 */
export function dockerCredentials(environment: Readonly<Record<string, string | undefined>>): Credentials {
  const folder = environment.DOCKER_CONFIG || join(homedir(), ".docker");
  const auths = readAuths(join(folder, "config.json"));
  return (registry) => auths[registry === "docker.io" ? HUB_KEY : registry]?.auth ?? "";
}

type Auths = Readonly<Record<string, { readonly auth?: string }>>;

function readAuths(file: string): Auths {
  try {
    return (JSON.parse(readFileSync(file, "utf8")) as { auths?: Auths }).auths ?? {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
