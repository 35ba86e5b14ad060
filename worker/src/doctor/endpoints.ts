import { hostname } from "node:os";
import { METRICS } from "../../contract/metrics.ts";
import type { ReportedWorker } from "../adapters/redis/workers.ts";
import type { Endpoint } from "./facts.ts";
import { isLoopback } from "./loopback.ts";

const PATIENCE_MS = 3_000;
/** Of more workers, the first so many are asked. */
const MOST_WORKERS = 50;

export interface Asked {
  readonly of: string;
  readonly address: string;
}

/** Whom to ask: the leader, live workers that this machine can reach, the API. */
export function whomToAsk(
  leaderAddress: string,
  workers: readonly Pick<ReportedWorker, "worker_id" | "address" | "host">[],
  apiUrl: string,
  host = hostname(),
): Asked[] {
  const reachable = workers.filter(
    (worker) =>
      worker.address !== "" && (worker.host === host || !isLoopback(new URL(worker.address).hostname)),
  );
  return [
    ...(leaderAddress === "" ? [] : [{ of: "leader", address: leaderAddress }]),
    ...reachable
      .slice(0, MOST_WORKERS)
      .map(({ worker_id, address }) => ({ of: `worker ${worker_id}`, address })),
    ...(apiUrl === "" ? [] : [{ of: "api", address: apiUrl.replace(/\/+$/, "") }]),
  ];
}

/** Asks `/health/ready`, and `/metrics` of all but the API. */
export async function askEndpoint({ of, address }: Asked): Promise<Endpoint> {
  const [ready, metrics] = await Promise.all([
    read(`${address}/health/ready`),
    of === "api" ? { body: "", fault: null } : read(`${address}/metrics`),
  ]);
  return {
    of,
    address,
    fault: ready.fault,
    metrics: metricNames(metrics.body),
    workerErrors:
      of.startsWith("worker ") && metrics.fault === null
        ? sumOf(metrics.body, METRICS.workerErrors.name)
        : null,
  };
}

async function read(url: string): Promise<{ body: string; fault: string | null }> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error" });
    return { body: await response.text(), fault: response.ok ? null : `answers ${response.status}` };
  } catch (error) {
    const cause = (error as Error).cause;
    return {
      body: "",
      fault: String((cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message),
    };
  }
}

/** Names in Prometheus' text format, from its `# TYPE` lines. */
export function metricNames(text: string): string[] {
  return Array.from(text.matchAll(/^# TYPE (\S+) /gm), ([, name]) => name ?? "");
}

/** Sum over all label values of one metric. */
export function sumOf(text: string, name: string): number {
  const samples = text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
