import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import type { PortChoice } from "../spec/resolve.ts";
import { HostError } from "./errors.ts";

const HOST = "127.0.0.1";
/** How many ports after the preferred one are tried. */
const PORTS_TRIED = 500;

/** Ports that a process which is being started will take in a moment. */
const reserved = new Set<number>();

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host: HOST, exclusive: true });
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** The inode of the socket that listens on this IPv4 or IPv6 port. */
function listeningInode(port: number): string | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const LISTENING = "0A";
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    try {
      const rows = readFileSync(table, "utf8").split("\n").slice(1);
      const fields = rows.map((row) => row.trim().split(/\s+/));
      const own = fields.find((row) => row[1]?.endsWith(suffix) === true && row[3] === LISTENING);
      if (own?.[9] !== undefined) return own[9];
    } catch {
      // no such table: the machine has no IPv6
    }
  }
  return undefined;
}

function holdsSocket(pid: string, inode: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlinkSync(`${folder}/${fd}`) === `socket:[${inode}]`);
  } catch {
    return false;
  }
}

/** Who listens on a port, as far as this user may see: `redis-server (pid 812)`. */
export function portOwner(port: number): string | undefined {
  const inode = listeningInode(port);
  if (inode === undefined) return undefined;
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && holdsSocket(name, inode));
  if (pid === undefined) return undefined;
  try {
    return `${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} (pid ${pid})`;
  } catch {
    return `pid ${pid}`;
  }
}

/** Whether it is this process that listens on the port. */
export function listensOn(pid: number, port: number): boolean {
  const inode = listeningInode(port);
  return inode !== undefined && holdsSocket(String(pid), inode);
}

function takenError(port: number): HostError {
  const owner = portOwner(port) ?? "a process of another user";
  return new HostError(
    `port ${port} is in use by ${owner}: stop it, or leave the port out of the spec for the next free one`,
  );
}

/**
 * The port to start on, reserved until `releasePort`. `last`: the one that the process had before, which is
 * kept where it can be.
 */
export async function reservePort({ kind, port }: PortChoice, last: number | undefined): Promise<number> {
  const following = Array.from({ length: PORTS_TRIED }, (_, index) => port + index);
  const candidates = kind === "demanded" ? [port] : [...(last === undefined ? [] : [last]), ...following];
  for (const candidate of candidates.filter((number) => number <= 65_535)) {
    if (reserved.has(candidate)) continue;
    reserved.add(candidate);
    if (await isFree(candidate)) return candidate;
    reserved.delete(candidate);
  }
  throw kind === "demanded"
    ? takenError(port)
    : new HostError(`no port from ${port} to ${port + PORTS_TRIED - 1} is free on ${HOST}: stop something`);
}

export function releasePort(port: number): void {
  reserved.delete(port);
}
