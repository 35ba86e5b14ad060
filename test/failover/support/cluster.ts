import { execFileSync } from "node:child_process";
import { startRedis, type TestRedis } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";

/** A Cluster of three masters, each with as many replicas as asked for. */
export interface TestCluster {
  /** `redis+cluster://...`. */
  readonly url: string;
  readonly nodes: readonly TestRedis[];
  /** The node that serves this key's slot now, as another one says. */
  masterOf(key: string, asked?: TestRedis): Promise<TestRedis>;
  stop(): Promise<void>;
}

export async function startCluster({ replicas = 0 } = {}): Promise<TestCluster> {
  const options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const quick = ["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"];
  const nodes: TestRedis[] = [];
  for (let i = 0; i < 3 * (1 + replicas); i++) nodes.push(await startRedis([...options, ...quick]));
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const create = [
    "--cluster",
    "create",
    ...addresses,
    "--cluster-replicas",
    String(replicas),
    "--cluster-yes",
  ];
  execFileSync("redis-cli", create, { stdio: ["ignore", "ignore", "inherit"] });
  await waitFor("all nodes to know the slots", async () => {
    const states = await Promise.all(nodes.map(({ client }) => client.cluster("INFO")));
    return states.every((state) => state.includes("cluster_state:ok"));
  });
  const masterOf = async (key: string, asked = nodes[0] as TestRedis): Promise<TestRedis> => {
    const slot = Number(await asked.client.cluster("KEYSLOT", key));
    const ranges = (await asked.client.cluster("SLOTS")) as unknown as [number, number, [string, number]][];
    const range = ranges.find(([first, last]) => first <= slot && slot <= last);
    const node = nodes.find(({ port }) => port === range?.[2][1]);
    if (node === undefined) throw new Error(`nobody serves slot ${slot}`);
    return node;
  };
  return {
    url: `redis+cluster://${addresses.slice(0, 2).join(",")}`,
    nodes,
    masterOf,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}
