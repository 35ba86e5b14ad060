/** Which engine and which Compose a host has, and how they are called there. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PATHS } from "../../paths.ts";
import { HostError, unlessMissing } from "../errors.ts";
import { type HostShell, lastWords, type ShellEnd } from "./host-shell.ts";

/** The oldest that has all that the project uses. */
export const ENGINE_MINIMUM = "20.10.0";
export const COMPOSE_MINIMUM = "2.24.0";

const PROBE = { timeoutSeconds: 30 };

type Version = readonly [number, number, number];

/** `v2.29.7-desktop.1` is 2.29.7. */
export function parseVersion(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return found === null ? undefined : [Number(found[1]), Number(found[2]), Number(found[3] ?? 0)];
}

export function isOlder(text: string, minimum: string): boolean {
  const [one, other] = [parseVersion(text), parseVersion(minimum)];
  if (one === undefined || other === undefined) return true;
  const place = one.findIndex((number, index) => number !== other[index]);
  return place >= 0 && (one[place] ?? 0) < (other[place] ?? 0);
}

/** The address of an engine on another machine than the one whose folders it would mount; undefined: it is here. */
export function engineElsewhere(address: string): string | undefined {
  const found = /^(?:ssh|tcp|https?):\/\/(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/.exec(address);
  if (found === null || ["localhost", "127.0.0.1", "[::1]"].includes(found[1] ?? "")) return undefined;
  return address;
}

function unreachable({ name }: HostShell, end: ShellEnd): HostError {
  if (end.code === 127)
    return new HostError(
      `there is no docker on ${name}: install Docker ${ENGINE_MINIMUM} or newer with Compose ${COMPOSE_MINIMUM} or newer`,
    );
  const wayOut = /permission denied/i.test(end.stderr)
    ? "give this user access to it (group docker), or run as root"
    : "start it, or correct DOCKER_HOST";
  return new HostError(`cannot reach the container engine of ${name}: ${lastWords(end)}; ${wayOut}`);
}

async function refuseElsewhere(shell: HostShell, environment: NodeJS.ProcessEnv): Promise<void> {
  const format = "{{.Endpoints.docker.Host}}";
  const address =
    environment.DOCKER_HOST ||
    (await shell.run(["docker", "context", "inspect", "--format", format], PROBE)).stdout.trim();
  const elsewhere = engineElsewhere(address);
  if (elsewhere !== undefined)
    throw new HostError(
      `the engine at ${elsewhere} is on another machine, where the project's files are not: name the machine ` +
        "(pulumi config set taskfleet:host user@host), or unset DOCKER_HOST",
    );
}

/** @throws HostError when the engine does not answer, is too old, or is not where the shell is. */
export async function checkEngine(shell: HostShell, environment: NodeJS.ProcessEnv): Promise<void> {
  const end = await shell.run(["docker", "version", "--format", "{{.Server.Version}}"], PROBE);
  if (shell.isLocal && end.code !== 127) await refuseElsewhere(shell, environment);
  if (end.code !== 0) throw unreachable(shell, end);
  const version = end.stdout.trim();
  if (isOlder(version, ENGINE_MINIMUM))
    throw new HostError(
      `the engine of ${shell.name} is Docker ${version}; needed: ${ENGINE_MINIMUM} or newer`,
    );
}

/** Compose as the set-up puts it into this user's cache, newest first. */
async function cachedCompose(): Promise<readonly string[]> {
  const folder = join(PATHS.cache, "compose");
  const versions = await unlessMissing(readdir(folder), []);
  const sorted = versions.toSorted((one, other) => (isOlder(one, other) ? 1 : -1));
  return sorted.map((version) => join(folder, version, "docker-compose"));
}

/** Words that call Compose. @throws HostError when there is none, or all are too old. */
export async function findCompose(shell: HostShell): Promise<readonly string[]> {
  const places = [["docker", "compose"], ["docker-compose"]];
  if (shell.isLocal) places.push(...(await cachedCompose()).map((path) => [path]));
  const old: string[] = [];
  for (const words of places) {
    const end = await shell.run([...words, "version", "--short"], PROBE);
    if (end.code !== 0 || parseVersion(end.stdout) === undefined) continue;
    if (!isOlder(end.stdout, COMPOSE_MINIMUM)) return words;
    old.push(end.stdout.trim());
  }
  const wayOut = `install the plugin docker-compose-plugin ${COMPOSE_MINIMUM} or newer${shell.isLocal ? ", or run ./taskfleet setup" : ""}`;
  throw new HostError(
    old.length === 0
      ? `there is no Docker Compose on ${shell.name}: ${wayOut}`
      : `Docker Compose of ${shell.name} is ${old.join(" and ")}; needed: ${COMPOSE_MINIMUM} or newer: ${wayOut}`,
  );
}
