import type { ExitReason } from "../../../contract/records.ts";
import type { Actuator, DrainReason, ManagedWorker, VanishedWorker } from "../../ports/actuator.ts";
import { exitReasonOf } from "../../watcher/exit-reason.ts";
import type { Drain } from "../redis/drains.ts";
import type { WorkerContainer } from "./container.ts";
import type { ContainerEvent } from "./engine-events.ts";

/** What it needs of the engine; `Engine` is one. */
export interface ContainerEngine {
  containers(service: string): Promise<readonly WorkerContainer[]>;
  kill(ids: readonly string[], signal: "TERM" | "KILL"): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

/** `Drains` of the Redis adapter is one. */
export interface DrainMemory {
  read(): Promise<ReadonlyMap<string, Drain>>;
  add(runs: readonly string[], drain: Drain): Promise<void>;
  drop(runs: readonly string[]): Promise<void>;
}

export interface ComposeActuatorOptions {
  readonly service: string;
  readonly engine: ContainerEngine;
  /** Brings the service to so many containers. */
  readonly up: (replicas: number) => Promise<void>;
  readonly drains: DrainMemory;
  /** Ms since the epoch. */
  readonly now: () => number;
  /** Told of every end. */
  readonly ended: (end: EndedContainer) => void;
}

export interface EndedContainer {
  readonly id: string;
  readonly reason: ExitReason;
  readonly exitCode: number;
  readonly oomKilled: boolean;
}

type Gone = Pick<WorkerContainer, "id" | "run" | "host" | "exitCode" | "oomKilled">;

const SIGNALS_THAT_ASK: readonly number[] = [2, 15];
/** A container that Compose made and never started. */
const UNSTARTED_MS = 60_000;
/** Events come late by seconds, not by so many ends. */
const MOST_RECORDED = 1_000;
/** A mark of a container that nobody has seen for so long is of no use. */
const FORGET_MS = 24 * 3_600_000;

/**
 * Workers as containers of a Compose service. Which one ends is decided by id; Compose only makes new ones. Its `list`
 * is what all else goes by, so that is called first.
 */
export class ComposeActuator implements Actuator {
  readonly #options: ComposeActuatorOptions;
  /** As `list` found them. */
  #containers: readonly WorkerContainer[] = [];
  /** By run. */
  #drains: ReadonlyMap<string, Drain> = new Map();
  /** What the events told of containers since the last `list`, by id. */
  readonly #died = new Map<string, number>();
  readonly #outOfMemory = new Set<string>();
  readonly #asked = new Map<string, Drain>();
  /** Containers whose end was recorded; a late event of one tells nothing new. */
  readonly #recorded = new Set<string>();
  /** Ended ones that were removed before they were looked at. */
  #removed: readonly Gone[] = [];

  constructor(options: ComposeActuatorOptions) {
    this.#options = options;
  }

  async list(): Promise<readonly ManagedWorker[]> {
    const { engine, service, drains } = this.#options;
    const before = this.#containers;
    const [containers, kept] = await Promise.all([engine.containers(service), drains.read()]);
    this.#containers = containers;
    const told = this.#marks(kept);
    this.#drains = new Map([...kept, ...told]);
    for (const [run, drain] of told) await drains.add([run], drain);
    this.#removed = [...this.#removed, ...this.#goneSince(before)];
    return containers
      .filter(({ state }) => state !== "ended")
      .map(({ id, run, host, revision, startedAt }) => ({
        ...{ workerId: id, host, revision, startedAt },
        draining: this.#drains.has(run),
      }));
  }

  /** Until Compose has started them, which may take minutes where an image has to be pulled. */
  async start(count: number): Promise<readonly string[]> {
    const { engine, service, up } = this.#options;
    // Counted now, and ended ones too, for Compose would end or start as many as it finds too many or too few.
    const before = await engine.containers(service);
    await up(before.length + count);
    const known = new Set(before.map(({ id }) => id));
    return (await engine.containers(service)).map(({ id }) => id).filter((id) => !known.has(id));
  }

  async drain(workerIds: readonly string[], reason: DrainReason = "signal"): Promise<void> {
    const { engine, drains, now } = this.#options;
    const wanted = this.#containers.filter(
      ({ id, run, state }) => workerIds.includes(id) && state === "running" && !this.#drains.has(run),
    );
    if (wanted.length === 0) return;
    const drain = { reason, atMs: now() };
    // Known before its events come; kept when it has been told, or one that never was would be killed for it.
    for (const { id } of wanted) this.#asked.set(id, drain);
    try {
      await engine.kill(
        wanted.map(({ id }) => id),
        "TERM",
      );
    } catch (error) {
      for (const { id } of wanted) this.#asked.delete(id);
      throw error;
    }
    const runs = wanted.map(({ run }) => run);
    this.#drains = new Map([...this.#drains, ...runs.map((run) => [run, drain] as const)]);
    await drains.add(runs, drain);
  }

  async reap(record: (vanished: VanishedWorker) => Promise<void>): Promise<readonly string[]> {
    const { engine, drains, now } = this.#options;
    const reaped: string[] = [];
    for (const gone of this.#removed) {
      await this.#record(gone, record);
      this.#removed = this.#removed.filter((other) => other !== gone);
      reaped.push(gone.id);
    }
    for (const container of this.#containers.filter(({ state }) => state === "ended")) {
      await this.#record(container, record);
      await engine.remove([container.id]);
      this.#containers = this.#containers.filter((other) => other !== container);
      reaped.push(container.id);
    }
    const present = new Set(this.#containers.map(({ run }) => run));
    const over = ([run, { atMs }]: readonly [string, Drain]) =>
      !present.has(run) && (reaped.some((id) => run.startsWith(`${id}@`)) || now() - atMs > FORGET_MS);
    await drains.drop([...this.#drains].filter(over).map(([run]) => run));
    return reaped;
  }

  /** Kills those that were asked to end and took too long, and removes what Compose made and did not start. */
  async endLate(): Promise<readonly string[]> {
    const { engine, now } = this.#options;
    const late = this.#containers.filter(({ run, state, stopMs }) => {
      const drain = this.#drains.get(run);
      return state === "running" && drain !== undefined && now() - drain.atMs > stopMs;
    });
    const ids = late.map(({ id }) => id);
    await engine.kill(ids, "KILL");
    const unstarted = this.#containers.filter(
      ({ state, startedAt }) => state === "created" && now() - startedAt > UNSTARTED_MS,
    );
    await engine.remove(unstarted.map(({ id }) => id));
    return ids;
  }

  /** Takes note of what the engine tells; whether there is something to look at. */
  heard({ type, id, exitCode, signal }: ContainerEvent): boolean {
    switch (type) {
      case "die":
        if (!this.#recorded.has(id)) this.#died.set(id, exitCode);
        return true;
      case "oom":
        this.#outOfMemory.add(id);
        return false;
      case "kill":
        // Somebody else asks, by hand or with Compose.
        if (SIGNALS_THAT_ASK.includes(signal) && !this.#asked.has(id))
          this.#asked.set(id, { reason: "signal", atMs: this.#options.now() });
        return false;
      case "start":
        this.#forget(id);
        this.#recorded.delete(id);
        return false;
    }
  }

  /** Why those that are there were asked to end, where only the events say so. */
  #marks(kept: ReadonlyMap<string, Drain>): (readonly [string, Drain])[] {
    return this.#containers.flatMap(({ id, run }) => {
      const drain = this.#asked.get(id);
      return drain === undefined || kept.has(run) ? [] : [[run, drain] as const];
    });
  }

  #goneSince(before: readonly WorkerContainer[]): Gone[] {
    const present = new Set(this.#containers.map(({ id }) => id));
    const gone = before.filter(({ id, state }) => state === "running" && !present.has(id));
    const known = gone.map(({ id, run, host }) => ({ id, run, host }));
    const unseen = [...this.#died.keys()]
      .filter((id) => !present.has(id) && !before.some((other) => other.id === id))
      .map((id) => ({ id, run: id, host: id }));
    return [...known, ...unseen].map((one) => {
      // Without its event nobody knows how it ended; it was removed by force.
      const exitCode = this.#died.get(one.id) ?? 137;
      this.#died.delete(one.id);
      return { ...one, exitCode, oomKilled: this.#outOfMemory.has(one.id) };
    });
  }

  async #record(gone: Gone, record: (vanished: VanishedWorker) => Promise<void>): Promise<void> {
    const { id, run, host, exitCode, oomKilled } = gone;
    const asked = (this.#drains.get(run) ?? this.#asked.get(id))?.reason ?? null;
    const reason = exitReasonOf({ exitCode, oomKilled, asked });
    await record({ workerId: run, host, reason });
    this.#options.ended({ id, reason, exitCode, oomKilled });
    this.#forget(id);
    this.#recorded.add(id);
    for (const oldest of this.#recorded)
      if (this.#recorded.size > MOST_RECORDED) this.#recorded.delete(oldest);
  }

  #forget(id: string): void {
    for (const notes of [this.#died, this.#outOfMemory, this.#asked]) notes.delete(id);
  }
}
