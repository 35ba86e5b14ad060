import type { ReportedWorker } from "../adapters/redis/workers.ts";
import type { ManagedWorker } from "../ports/actuator.ts";

/** A worker as the spawner sees it, from the actuator's list and the worker's own report together. */
export interface Member {
  readonly workerId: string;
  /** Whether the actuator can stop it; others were started by somebody else. */
  readonly managed: boolean;
  readonly startedAt: number;
  /** Takes no new tasks. */
  readonly draining: boolean;
  /** Holds tasks. */
  readonly busy: boolean;
  /** Reported lately, so that it can take tasks; a worker that starts has not yet. */
  readonly ready: boolean;
  /** Exists but has said nothing for long: stopped or stuck, and replaced meanwhile. */
  readonly silent: boolean;
  /** Runs what an older revision of the stack wants. */
  readonly stale: boolean;
}

export interface FleetView {
  /** The queue's time, by which workers report. */
  readonly nowMs: number;
  /** This machine's time, by which it starts workers. */
  readonly localNowMs: number;
  /** A worker that has not reported for this long takes no tasks. */
  readonly leaseMs: number;
  /** The revision that workers should have; "" when none is known, and no worker is stale. */
  readonly revision: string;
}

/**
 * Leases after which a worker counts as silent. A short stall costs it its tasks; to replace it for that as
 * well would load a busy machine the more.
 */
const SILENT_LEASES = 2;
/** A machine that starts many workers at once takes this long at most until each has reported. */
const START_MS = 60_000;

/** Everybody in the fleet. A worker that nobody manages belongs to it as long as it reports. */
export function fleetMembers(
  managed: readonly ManagedWorker[],
  reports: readonly ReportedWorker[],
  view: FleetView,
): readonly Member[] {
  const reported = new Map(reports.map((report) => [report.worker_id, report]));
  const byHost = lastByHost(reports);
  const known = new Set(managed.map((worker) => worker.workerId));
  const hosts = new Set(managed.map((worker) => worker.host));
  const lately = (atMs: number) => view.nowMs - atMs <= view.leaseMs;
  const others = reports.filter(
    (report) => !known.has(report.worker_id) && !hosts.has(report.host) && lately(report.seen_at),
  );
  return [
    ...managed.map((worker): Member => {
      const { workerId, host } = worker;
      const report = host === undefined ? reported.get(workerId) : byHost.get(host);
      const ready = report !== undefined && lately(report.seen_at);
      return {
        workerId: worker.workerId,
        managed: true,
        startedAt: worker.startedAt,
        draining: worker.draining || report?.state === "draining",
        busy: report !== undefined && holds(report),
        ready,
        silent:
          report === undefined
            ? view.localNowMs - worker.startedAt > START_MS
            : view.nowMs - report.seen_at > SILENT_LEASES * view.leaseMs,
        stale: view.revision !== "" && worker.revision !== view.revision,
      };
    }),
    ...others.map(
      (report): Member => ({
        workerId: report.worker_id,
        managed: false,
        startedAt: report.started_at,
        draining: report.state === "draining",
        busy: holds(report),
        ready: true,
        silent: false,
        stale: false,
      }),
    ),
  ];
}

/** Each host's last report: a container that was started again is another worker. */
function lastByHost(reports: readonly ReportedWorker[]): ReadonlyMap<string, ReportedWorker> {
  const last = new Map<string, ReportedWorker>();
  for (const report of reports)
    if ((last.get(report.host)?.seen_at ?? -Infinity) < report.seen_at) last.set(report.host, report);
  return last;
}

function holds(report: ReportedWorker): boolean {
  // A worker of several streams also reports what it holds of the others.
  return report.holding > 0 || Object.values(report.running).some((count) => count > 0);
}

/** Workers that take tasks, or will soon. */
export function liveMembers(members: readonly Member[]): readonly Member[] {
  return members.filter((member) => !member.draining && !member.silent);
}
