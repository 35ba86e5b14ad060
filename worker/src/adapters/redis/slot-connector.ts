/** The way to whoever serves one hash slot of a Redis Cluster. */
import { connect as connectPlain, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { AbstractConnector, Redis } from "ioredis";
import type { RedisNode } from "../../../contract/redis-url.ts";

export interface SlotConnectorOptions {
  /** Nodes to ask first; others are learned. */
  readonly nodes: readonly RedisNode[];
  readonly slot: number;
  readonly tls: boolean;
  readonly login: () => { readonly username: string; readonly password: string };
}

/** First and last slot, the master, its replicas; further facts of a node do not matter. */
type SlotRange = readonly [
  first: number,
  last: number,
  master: readonly [string | null, number],
  ...unknown[],
];

const DISCONNECT_MS = 2_000;
const ASK_MS = 2_000;
const AGAIN_MS = 300;

/** The master of the slot among `CLUSTER SLOTS`' ranges; `asked`: who said so, and means itself by no host. */
export function masterOf(
  ranges: readonly SlotRange[],
  slot: number,
  asked: RedisNode,
): RedisNode | undefined {
  const range = ranges.find(([first, last]) => first <= slot && slot <= last);
  if (range === undefined) return undefined;
  const [host, port] = range[2];
  return { host: host === null || host === "" || host === "?" ? asked.host : host, port };
}

/** All masters among the ranges, each once. */
export function mastersOf(ranges: readonly SlotRange[], asked: RedisNode): readonly RedisNode[] {
  const all = ranges.flatMap(([first]) => masterOf(ranges, first, asked) ?? []);
  return [...new Map(all.map((node) => [`${node.host} ${node.port}`, node])).values()];
}

/** Makes the class that ioredis asks for a socket each time that it connects. */
export function slotConnector(o: SlotConnectorOptions) {
  /** Nodes in the order in which they are asked; the one that answered last stands last, so that all have their turn. */
  let nodes = [...o.nodes];
  return class SlotConnector extends AbstractConnector {
    constructor() {
      super(DISCONNECT_MS);
    }

    /** A node that was made a replica meanwhile is left again. */
    override check(info: { readonly role?: string }): boolean {
      return info.role === undefined || info.role === "master";
    }

    override async connect(emit: (type: string, error: Error) => void): Promise<Socket> {
      this.connecting = true;
      for (;;) {
        const failures: string[] = [];
        for (const node of [...nodes]) {
          const master = await askNode(node, o).catch((error: Error) => {
            failures.push(`${node.host}:${node.port}: ${error.message}`);
          });
          if (!this.connecting) throw new Error("Connection is closed.");
          if (master === undefined) continue;
          const others = nodes.filter(({ host, port }) => host !== node.host || port !== node.port);
          nodes = [...others, ...master.unknownTo(nodes), node];
          return this.#open(master.node);
        }
        emit("error", new Error(`no node of the Cluster answers (${failures.join("; ")})`));
        await delay(AGAIN_MS);
        if (!this.connecting) throw new Error("Connection is closed.");
      }
    }

    #open(node: RedisNode): Socket {
      const stream = o.tls ? connectTls({ ...node, servername: nameOf(node) }) : connectPlain(node);
      stream.once("error", (error) => {
        this.firstError = error;
      });
      this.stream = stream;
      return stream;
    }
  };
}

/** For TLS: addresses have no server name. */
function nameOf({ host }: RedisNode): string {
  return /^[\d.]+$|:/.test(host) ? "" : host;
}

/** Asks one node who serves the slot. Throws when it does not say. */
async function askNode(node: RedisNode, o: SlotConnectorOptions) {
  const { username, password } = o.login();
  const client = new Redis({
    ...{ ...node, retryStrategy: null, enableReadyCheck: false, lazyConnect: true, replyMapping: "legacy" },
    ...{ connectTimeout: ASK_MS, commandTimeout: ASK_MS, maxRetriesPerRequest: 0 },
    ...(username === "" ? {} : { username }),
    ...(password === "" ? {} : { password }),
    ...(o.tls ? { tls: {} } : {}),
  });
  let reason: Error | undefined;
  client.on("error", (error: Error) => {
    reason ??= error;
  });
  try {
    const ranges = (await client.cluster("SLOTS")) as unknown as SlotRange[];
    const master = masterOf(ranges, o.slot, node);
    if (master === undefined) throw new Error(`nobody serves slot ${o.slot}`);
    const known = (all: readonly RedisNode[], { host, port }: RedisNode) =>
      all.some((one) => one.host === host && one.port === port);
    const masters = mastersOf(ranges, node);
    return {
      node: master,
      unknownTo: (all: readonly RedisNode[]) => masters.filter((one) => !known(all, one)),
    };
  } catch (error) {
    throw reason ?? error;
  } finally {
    client.disconnect();
  }
}
