const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Set aside for a worker; its limit is the spec's `security.memory`. */
export const WORKER_RESERVATION = 512 * MIB;

/** What a service has for itself where a worker has the spec's `security`, and why. Sizes in bytes. */
export interface Footprint {
  readonly cpus: number;
  readonly reservation: number;
  /** Processes and threads. */
  readonly pids: number;
  /** Size of `/tmp`, all that it may write beside its volumes. */
  readonly scratch: number;
  readonly reason: string;
}

/** The one table of deviations. No limit is above one CPU: the engine refuses more CPUs than its host has. */
export const FOOTPRINTS = {
  spawner: {
    cpus: 0.5,
    reservation: 96 * MIB,
    pids: 64,
    scratch: 16 * MIB,
    reason: "decides and sweeps, runs no task",
  },
  api: {
    cpus: 1,
    reservation: 128 * MIB,
    pids: 64,
    scratch: 16 * MIB,
    reason: "holds clients' connections, runs no task",
  },
  watcher: {
    cpus: 1,
    reservation: 96 * MIB,
    pids: 256,
    scratch: 64 * MIB,
    reason: "runs Docker Compose, a program of many threads",
  },
  backup: {
    cpus: 1,
    reservation: 96 * MIB,
    pids: 256,
    scratch: 256 * MIB,
    reason: "runs pg_dump, and a Redis of its own for the drill",
  },
  command: { cpus: 1, reservation: 64 * MIB, pids: 64, scratch: 16 * MIB, reason: "runs once and ends" },
  redis: {
    cpus: 1,
    reservation: 128 * MIB,
    pids: 64,
    scratch: 16 * MIB,
    reason: "a server; a child of its own rewrites the append-only file",
  },
  postgres: {
    cpus: 1,
    reservation: 256 * MIB,
    pids: 256,
    scratch: 64 * MIB,
    reason: "a server with a process for each of 100 connections",
  },
  "redis-exporter": {
    cpus: 0.5,
    reservation: 16 * MIB,
    pids: 64,
    scratch: 4 * MIB,
    reason: "a small program",
  },
  prometheus: {
    cpus: 1,
    reservation: 256 * MIB,
    pids: 128,
    scratch: 64 * MIB,
    reason: "a server that keeps the newest samples in memory",
  },
  alertmanager: { cpus: 0.5, reservation: 32 * MIB, pids: 128, scratch: 16 * MIB, reason: "a small server" },
  grafana: { cpus: 1, reservation: 128 * MIB, pids: 256, scratch: 64 * MIB, reason: "a server for people" },
  loki: {
    cpus: 1,
    reservation: 128 * MIB,
    pids: 256,
    scratch: 64 * MIB,
    reason: "a server that keeps the newest lines in memory",
  },
  alloy: { cpus: 0.5, reservation: 128 * MIB, pids: 128, scratch: 64 * MIB, reason: "reads and ships lines" },
} as const satisfies Readonly<Record<string, Footprint>>;

/** Any service but a worker. */
export type Part = keyof typeof FOOTPRINTS;

/** Memory limits of our own roles and of the servers of queue and record, in bytes. */
export const MEMORY = {
  spawner: 256 * MIB,
  api: 512 * MIB,
  watcher: 512 * MIB,
  command: 512 * MIB,
  /** Beside what the drill's Redis needs: as much as the queue's. */
  backup: 512 * MIB,
  postgres: GIB,
  /** Beside its data, twice: a child that rewrites the append-only file may come to have a copy of all. */
  redis: 128 * MIB,
} as const;

/** `uid:gid` of the servers' images. */
export const SERVER_USER = { redis: "999:999", postgres: "999:999" } as const;
