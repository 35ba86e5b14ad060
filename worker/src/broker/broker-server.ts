/** The broker's socket: a connection is a program. */
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { TaskfleetError } from "../core/errors.ts";
import type { Logger } from "../logging/logger.ts";
import type { SandboxLimits } from "../ports/sandbox.ts";
import { ContainerRun } from "./container-run.ts";
import type { ContainerSettings } from "./docker-command.ts";
import { BROKER_EVENTS } from "./events.ts";
import { type BrokerEnd, FRAMES, failed, frame } from "./protocol.ts";
import { type ReceivedRequest, readRequest } from "./read-request.ts";
import { Slots } from "./slots.ts";

export interface BrokerOptions extends ContainerSettings {
  /** Path of the socket. */
  readonly socket: string;
  /** Group id that may connect, beside this user. */
  readonly group: number;
  /** Containers at once. */
  readonly containers: number;
  /** The most that it grants a program. */
  readonly limits: SandboxLimits;
  readonly logger: Logger;
}

/** The socket cannot be made. */
export class BrokerSocketError extends TaskfleetError {
  override readonly name = "BrokerSocketError";
}

/** Connections for each container; others are closed at once. */
const CONNECTIONS_PER_CONTAINER = 16;
const FLUSH_MS = 10_000;
const SOCKET_MODE = 0o660;

/** Whether somebody listens there. */
function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Waits until the worker has taken all and closes, or does nothing of it for too long. */
async function flushed(socket: Socket): Promise<void> {
  const timer = setTimeout(() => socket.destroy(), FLUSH_MS);
  await new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    socket.once("close", () => resolve()).end();
  });
  clearTimeout(timer);
}

export class BrokerServer {
  readonly #options: BrokerOptions;
  readonly #server: Server;
  readonly #slots: Slots;
  readonly #killed = new AbortController();
  readonly #serving = new Set<Promise<void>>();

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.containers);
    // A worker that closes its side still hears how its program ended.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server.maxConnections = options.containers * CONNECTIONS_PER_CONTAINER;
  }

  /** @throws BrokerSocketError when another broker listens there, or the socket cannot be made or given to the group. */
  async start(): Promise<void> {
    const { socket, group } = this.#options;
    if (await isServed(socket))
      throw new BrokerSocketError(`another broker listens on ${socket}; stop it, or choose another path`);
    rmSync(socket, { force: true });
    // Nobody else connects before the group is set.
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject).listen(socket, resolve);
      });
      chownSync(socket, -1, group);
      chmodSync(socket, SOCKET_MODE);
    } catch (error) {
      this.#server.close();
      throw new BrokerSocketError(
        `the socket ${socket} cannot be made for group ${group}: ${(error as Error).message}. Its folder must be there, ` +
          "and this user be root or in the group.",
        { cause: error },
      );
    } finally {
      process.umask(mask);
    }
  }

  /** Takes no further programs, and waits for those that run or wait. */
  async drain(): Promise<void> {
    this.#server.close();
    await Promise.all(this.#serving);
  }

  /** Ends all programs at once, and lets none of those that wait begin. */
  killAll(): void {
    this.#killed.abort();
  }

  #accept(socket: Socket): void {
    const served = this.#serve(socket).finally(() => this.#serving.delete(served));
    this.#serving.add(served);
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on("error", () => {});
    const received = await readRequest(socket, this.#options.limits);
    if (received === undefined) {
      socket.destroy();
      return;
    }
    socket.resume();
    let end: BrokerEnd | undefined;
    if (typeof received === "string") {
      this.#options.logger.warn({ reason: received }, BROKER_EVENTS.refused);
      end = failed("request", "", received);
    } else end = await this.#run(received, socket);
    if (end !== undefined) socket.write(frame(FRAMES.ended, Buffer.from(JSON.stringify(end))));
    await flushed(socket);
  }

  /** `undefined` when the worker left before a place was free. */
  async #run(received: ReceivedRequest, socket: Socket): Promise<BrokerEnd | undefined> {
    const left = new AbortController();
    for (const event of ["end", "close"]) socket.once(event, () => left.abort());
    if (socket.readableEnded || socket.destroyed) left.abort();
    const over = AbortSignal.any([left.signal, this.#killed.signal]);
    return this.#slots.take(() => this.#contain(received, socket, left.signal), over);
  }

  async #contain(received: ReceivedRequest, socket: Socket, left: AbortSignal): Promise<BrokerEnd> {
    const { logger, image, runtime, cpus, label } = this.#options;
    const name = `taskfleet-${randomBytes(8).toString("hex")}`;
    socket.write(frame(FRAMES.started));
    const print = (channel: "stdout" | "stderr", chunk: Buffer) =>
      socket.write(frame(FRAMES[channel], chunk));
    const run = new ContainerRun({ ...received, name, settings: { image, runtime, cpus, label }, print });
    const killed = () => run.kill("aborted");
    left.addEventListener("abort", () => run.halt("aborted"), { once: true });
    this.#killed.signal.addEventListener("abort", killed, { once: true });
    try {
      const end = await run.end();
      logger.debug({ container: name, ...end }, BROKER_EVENTS.ended);
      return end;
    } catch (error) {
      logger.error({ container: name, exception: error }, BROKER_EVENTS.left);
      return failed(
        "container",
        "",
        `the container ${name} could not be removed: ${(error as Error).message}`,
      );
    } finally {
      this.#killed.signal.removeEventListener("abort", killed);
    }
  }
}
