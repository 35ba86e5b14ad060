import { HostError } from "../errors.ts";
import { portOwner } from "../ports.ts";
import type { ComposeEngine, ProjectContainer } from "./compose-engine.ts";
import type { Definition } from "./definition.ts";

export interface Listener {
  /** Of all interfaces: `0.0.0.0`. */
  readonly address: string;
  readonly port: number;
}

const ALL = "0.0.0.0";
const LISTENING = "0A";

/** `0100007F` is 127.0.0.1: the four bytes in the machine's order. */
function addressOf(hex: string): string {
  if (/^0+$/.test(hex)) return ALL;
  if (hex.length !== 8) return hex;
  return [6, 4, 2, 0].map((start) => Number.parseInt(hex.slice(start, start + 2), 16)).join(".");
}

/** Who listens, from the text of `/proc/net/tcp` and `/proc/net/tcp6`. */
export function parseListeners(text: string): readonly Listener[] {
  return text.split("\n").flatMap((row) => {
    const [, local = "", , state] = row.trim().split(/\s+/);
    const [address, port] = local.split(":");
    if (state !== LISTENING || address === undefined || port === undefined) return [];
    return [{ address: addressOf(address), port: Number.parseInt(port, 16) }];
  });
}

/** Whether both cannot have the port. */
export function collide(one: Listener, other: Listener): boolean {
  const sameAddress = one.address === other.address || [one.address, other.address].includes(ALL);
  return one.port === other.port && sameAddress;
}

/** `redis-server (pid 812)`, `container web-1`; as far as the host tells. */
async function ownerOf(engine: ComposeEngine, port: number): Promise<string> {
  const filter = ["--filter", `publish=${port}`, "--format", "{{.Names}}"];
  const [container] = (await engine.ask(["ps", ...filter])).split("\n");
  if (container !== undefined && container !== "") return `container ${container}`;
  if (engine.shell.isLocal) return portOwner(port) ?? "a process of another user";
  const { stdout } = await engine.shell.run(["ss", "-Hltnp", `sport = :${port}`]);
  const found = /\(\("([^"]+)",pid=(\d+)/.exec(stdout);
  return found === null ? "another process" : `${found[1]} (pid ${found[2]})`;
}

/** @throws HostError that names who has a port which the project is to publish. */
export async function refuseTakenPorts(
  engine: ComposeEngine,
  definition: Definition,
  containers: readonly ProjectContainer[],
): Promise<void> {
  const own = containers.flatMap(({ ports }) => ports.map(({ port }) => port));
  const wanted = Object.entries(definition).flatMap(([service, { published }]) =>
    published
      .filter(({ port }) => port !== 0 && !own.includes(port))
      .map((listener) => ({ service, listener })),
  );
  if (wanted.length === 0) return;
  const tables = await engine.shell.run(["sh", "-c", "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; :"]);
  const listeners = parseListeners(tables.stdout);
  for (const { service, listener } of wanted) {
    if (!listeners.some((other) => collide(listener, other))) continue;
    throw new HostError(
      `port ${listener.port} of ${engine.shell.name}, which ${service} is to publish, is in use by ` +
        `${await ownerOf(engine, listener.port)}: stop it, or choose another port in the spec`,
    );
  }
}
