import { queueKeys } from "../../contract/queue-keys.ts";
import { parseScaling } from "../../contract/scaling-record.ts";
import { depth, readStats, serverTimeMs } from "../adapters/redis/queue-status.ts";
import { Workers } from "../adapters/redis/workers.ts";
import { newestDrill } from "../backup/drill.ts";
import { type BackupNote, readNote } from "../backup/note.ts";
import type { Session } from "../cli/session.ts";
import { RedisUnavailableError } from "../core/errors.ts";
import { newestReport } from "../loadtest/reports.ts";
import { askEndpoint, whomToAsk } from "./endpoints.ts";
import type { Facts, QueueFacts, RedisFacts, Unknown } from "./facts.ts";
import { fleetProcesses } from "./fleet-processes.ts";
import { fleetSettings } from "./fleet-settings.ts";
import { gatherAlerts } from "./gather-alerts.ts";
import { gatherDatabase } from "./gather-database.ts";
import { gatherRedis } from "./gather-redis.ts";
import { logErrors } from "./log-errors.ts";
import { secretFiles } from "./secret-files.ts";

/** Looks at everything once. What does not answer becomes a fact, not an error. `reports`: folder of load test reports. */
export async function gatherFacts(session: Session, reports: string): Promise<Facts> {
  const { settings, stream } = session;
  const processes = fleetProcesses({ redisUrl: settings.redisUrl, stream });
  const [{ redis, queue, leaderAddress, note }, database, alerts] = await Promise.all([
    ofRedis(session),
    gatherDatabase(settings),
    gatherAlerts(settings.prometheusUrl),
  ]);
  const workers = "unknown" in queue ? [] : queue.workers;
  const asked = whomToAsk(leaderAddress, workers, settings.apiUrl);
  return {
    now: Date.now(),
    redis,
    queue,
    database,
    alerts,
    processes,
    fleet: fleetSettings(processes, process.env),
    secretFiles: secretFiles([process.env, ...processes.map(({ environment }) => environment)]),
    endpoints: await Promise.all(asked.map(askEndpoint)),
    loadTest: newestReport(reports, stream),
    backups: "unknown" in note ? note : { ...note, drill: newestDrill(reports, settings.backupDirectory) },
    logErrors: logErrors(settings.logDirectory),
  };
}

interface OfRedis {
  readonly redis: RedisFacts | Unknown;
  readonly queue: QueueFacts | Unknown;
  readonly leaderAddress: string;
  readonly note: BackupNote | Unknown;
}

async function ofRedis({ redis, settings, stream }: Session): Promise<OfRedis> {
  const keys = queueKeys(stream);
  try {
    const [facts, queueDepth, workers, stats, leader, scaling, at, note] = await Promise.all([
      gatherRedis(redis, settings.redisUrl, stream),
      depth(redis, stream),
      new Workers(redis, stream).list(),
      readStats(redis, stream),
      redis.get(keys.leader),
      redis.hgetall(keys.scaling),
      serverTimeMs(redis),
      readNote(redis, stream),
    ]);
    const leaderAddress = leader === null ? "" : (parseScaling(scaling)?.address ?? "");
    const found = { stream, at, depth: queueDepth, workers, leader, stats };
    return { redis: facts, queue: found, leaderAddress, note };
  } catch (error) {
    if (!(error instanceof RedisUnavailableError)) throw error;
    const unknown = { unknown: error.message };
    return { redis: unknown, queue: unknown, leaderAddress: "", note: unknown };
  }
}
