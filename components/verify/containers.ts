/** Gathers the facts of a Compose project's running containers, here or on the host that is reached over SSH. */
import { setTimeout as delay } from "node:timers/promises";
import { type HostShell, lastWords } from "../hosts/compose/host-shell.ts";
import { HostError } from "../hosts/errors.ts";
import { tryIn } from "./attempts.ts";
import type { EngineFacts, KernelFacts, Subject } from "./facts.ts";
import { HOST_SCRIPT } from "./host-script.ts";
import { type HostFacts, parseHostFacts } from "./parse-facts.ts";

/** Label of an image's title; `worker/Dockerfile` sets it. */
const TITLE = "org.opencontainers.image.title";
const OURS = /^taskfleet /;
/** Acts on the engine, and so has its socket. */
const WATCHER = "watch-queue";
const USUAL_SOCKETS = ["/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock"];

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Pid: number; readonly Status: string };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: { readonly Privileged: boolean };
  readonly Mounts: readonly { readonly Source?: string }[];
}

async function ask(shell: HostShell, words: readonly string[]): Promise<string> {
  const end = await shell.run(["docker", ...words]);
  if (end.code === 0) return end.stdout;
  throw new HostError(`docker ${words[0]} failed on ${shell.name}: ${lastWords(end)}`);
}

async function inspect(shell: HostShell, project: string): Promise<readonly Inspected[]> {
  const filter = `label=com.docker.compose.project=${project}`;
  const ids = (await ask(shell, ["ps", "--quiet", "--no-trunc", "--filter", filter])).split("\n");
  const known = ids.filter((id) => id !== "");
  if (known.length === 0) return [];
  const end = await shell.run(["docker", "inspect", "--type", "container", ...known]);
  // One may end between the two questions.
  if (end.code !== 0 && !/No such/i.test(end.stderr))
    throw new HostError(`docker inspect failed on ${shell.name}: ${lastWords(end)}`);
  const found = JSON.parse(end.stdout) as readonly Inspected[];
  return found
    .filter(({ State }) => State.Status === "running")
    .toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
}

/** Path of the socket that the client uses, where it is one. */
async function engineSocket(shell: HostShell): Promise<readonly string[]> {
  const format = "{{.Endpoints.docker.Host}}";
  const { stdout } = await shell.run(["docker", "context", "inspect", "--format", format]);
  const address = (shell.isLocal && process.env.DOCKER_HOST) || stdout.trim();
  return address.startsWith("unix://") ? [address.slice("unix://".length)] : [];
}

const LOOKS = 40;
const LOOK_AGAIN_MS = 250;
/** A process that the engine is about to turn into one of the container's, such as a health check. */
const STARTING = /^(?:runc|crun|youki)/;

function isSettled({ processes }: KernelFacts): boolean {
  return !processes.some(({ status }) => STARTING.test(status.Name ?? ""));
}

/** What `/proc` says of these processes. One that is still being started is looked at again. */
export async function lookAtProcesses(shell: HostShell, pids: readonly number[]): Promise<HostFacts> {
  for (let left = LOOKS; ; left -= 1) {
    const words = ["sh", "-s", "--", ...pids.map(String)];
    const end = await shell.run(words, { stdin: HOST_SCRIPT });
    if (end.code !== 0) throw new HostError(`/proc cannot be read on ${shell.name}: ${lastWords(end)}`);
    const facts = parseHostFacts(end.stdout);
    if (left === 0 || [...facts.byPid.values()].every(isSettled)) return facts;
    await delay(LOOK_AGAIN_MS);
  }
}

/** Whether the process is the container's: its control group has the container's name. */
function isIts({ Id }: Inspected, { groups }: KernelFacts): boolean {
  return groups.some((line) => line.includes(Id));
}

function toSubject(
  found: Inspected,
  facts: HostFacts,
  kernel: KernelFacts,
  sockets: readonly string[],
): Omit<Subject, "attempts"> {
  const service = found.Config.Labels?.["com.docker.compose.service"] ?? "";
  const engine: EngineFacts = {
    id: found.Id,
    privileged: found.HostConfig.Privileged,
    mountSources: found.Mounts.flatMap(({ Source }) => (Source === undefined ? [] : [Source])),
    engineSockets: [...USUAL_SOCKETS, ...sockets],
    mayHaveSocket: service === WATCHER,
  };
  const name = found.Name.replace(/^\//, "");
  return { name, service, pid: found.State.Pid, kernel, hostNamespaces: facts.host, engine, controls: null };
}

/**
 * The running containers of a project, by name; none when none runs.
 * @throws HostError when the engine does not answer, or its processes are on another machine
 */
export async function gatherContainers(shell: HostShell, project: string): Promise<readonly Subject[]> {
  const containers = await inspect(shell, project);
  if (containers.length === 0) return [];
  const sockets = await engineSocket(shell);
  const facts = await lookAtProcesses(
    shell,
    containers.map(({ State }) => State.Pid),
  );
  const subjects: Subject[] = [];
  for (const found of containers) {
    const kernel = facts.byPid.get(found.State.Pid);
    if (kernel === undefined || !kernel.alive || !isIts(found, kernel)) continue;
    const ours = OURS.test(found.Config.Labels?.[TITLE] ?? "");
    const attempts = ours ? await tryIn(shell, found.Id) : null;
    subjects.push({ ...toSubject(found, facts, kernel, sockets), attempts });
  }
  if (subjects.length === 0)
    throw new HostError(
      `the containers of ${project} run, and their processes are not in /proc of ${shell.name}: the engine is on another ` +
        "machine or in a virtual one; run this there, or name it with --ssh user@host",
    );
  return subjects;
}
