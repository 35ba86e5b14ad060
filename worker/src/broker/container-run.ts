/** One program in its container, from `docker run` to `docker rm`. */
import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxStop } from "../ports/sandbox.ts";
import { containerEnd } from "./container-end.ts";
import { containerGroups } from "./container-groups.ts";
import { type ContainerState, DOCKER, removeContainer, stateOf } from "./docker.ts";
import { type ContainerSettings, dockerRun } from "./docker-command.ts";
import { type BrokerEnd, type BrokerRequest, failed } from "./protocol.ts";

export interface ContainerProgram {
  readonly name: string;
  readonly request: BrokerRequest;
  readonly stdin: Buffer;
  readonly settings: ContainerSettings;
  print(channel: "stdout" | "stderr", chunk: Buffer): void;
}

/** How often Docker is asked whether it runs, and how long it may take to. */
const START_EVERY_MS = 100;
const START_MS = 60_000;
/** How often its control groups are read. */
const WATCH_MS = 50;
/** What is kept of standard error, for Docker's own words. */
const SAID_BYTES = 4096;

export class ContainerRun {
  readonly #program: ContainerProgram;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  /** Its state once it runs; `undefined` when it ended before. */
  readonly #running: Promise<ContainerState | undefined>;
  #ended = false;
  #printed = 0;
  #said = "";
  #stop: SandboxStop | null = null;
  #startError: Error | undefined;
  #timers: NodeJS.Timeout[] = [];
  #removal: Promise<void> | undefined;

  constructor(program: ContainerProgram) {
    this.#program = program;
    const { request, settings, name } = program;
    this.#child = spawn(DOCKER, dockerRun(request, settings, name), { stdio: ["pipe", "pipe", "pipe"] });
    this.#closed = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#startError = error;
        resolve();
      });
      this.#child.once("close", () => resolve());
    });
    this.#running = this.#started();
  }

  /** Runs to the end; afterwards the container is gone. Rejects when Docker does not remove it. */
  async end(): Promise<BrokerEnd> {
    const child = this.#child;
    for (const channel of ["stdout", "stderr"] as const)
      child[channel]?.on("data", (chunk: Buffer) => this.#print(channel, chunk));
    // A program may end, or close its input, without reading all of it.
    child.stdin?.on("error", () => {});
    child.stdin?.end(this.#program.stdin);
    const watched = this.#watch();
    try {
      await this.#closed;
      this.#ended = true;
      await watched;
      if (this.#startError !== undefined) return failed("docker", "", this.#startError.message);
      return containerEnd(this.#stop, await stateOf(this.#program.name), this.#said);
    } finally {
      this.#ended = true;
      for (const timer of this.#timers) clearTimeout(timer);
      await this.#removal?.catch(() => {});
      await removeContainer(this.#program.name);
    }
  }

  /** SIGTERM, and after the grace the end of all; the first reason counts. */
  halt(stop: SandboxStop): void {
    if (this.#stop !== null) return;
    this.#stop = stop;
    // `docker run` passes signals on once the container runs, and before would leave it to start alone.
    void this.#running.then(() => {
      this.#child.kill("SIGTERM");
      this.#after(this.#program.request.graceMs, () => this.#kill());
    });
  }

  /** Ends it at once. */
  kill(stop: SandboxStop): void {
    this.#stop ??= stop;
    void this.#running.then(() => this.#kill());
  }

  #kill(): void {
    if (this.#ended) return;
    this.#removal ??= removeContainer(this.#program.name).finally(() => this.#child.kill("SIGKILL"));
    this.#removal.catch(() => {});
  }

  #print(channel: "stdout" | "stderr", chunk: Buffer): void {
    const room = this.#program.request.limits.outputBytes - this.#printed;
    this.#printed += chunk.length;
    if (channel === "stderr" && this.#said.length < SAID_BYTES)
      this.#said = `${this.#said}${chunk}`.slice(0, SAID_BYTES);
    if (room > 0) this.#program.print(channel, chunk.subarray(0, room));
    if (chunk.length > room) this.halt("output");
  }

  async #watch(): Promise<void> {
    const running = await this.#running;
    if (running === undefined) return;
    const { cpuMs, timeoutMs } = this.#program.request.limits;
    this.#after(timeoutMs, () => this.halt("timeout"));
    const start = performance.now();
    const groups = await containerGroups(running);
    while (!this.#ended) {
      const hit = (await groups?.hit()) ?? null;
      if (hit !== null) this.kill(hit);
      // Where nobody counts, it may have used all that it was allowed at once.
      const used = (await groups?.cpuMs()) ?? (performance.now() - start) * this.#program.settings.cpus;
      if (used > cpuMs) this.kill("cpu");
      await Promise.race([delay(WATCH_MS), this.#closed]);
    }
  }

  async #started(): Promise<ContainerState | undefined> {
    const late = performance.now() + START_MS;
    while (!this.#ended) {
      const state = await stateOf(this.#program.name);
      if (state !== undefined && state.Pid > 0) return state;
      if (performance.now() > late) {
        this.#stop ??= "timeout";
        this.#child.kill("SIGKILL");
      }
      await Promise.race([delay(START_EVERY_MS), this.#closed]);
    }
    return undefined;
  }

  #after(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, Math.min(ms, 2_147_483_647)));
  }
}
