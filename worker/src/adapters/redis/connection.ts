import { Command, Redis, type RedisOptions } from "ioredis";
import { describePlace, REDIS_URL_FORMS, type RedisUrl, readRedisUrl } from "../../../contract/redis-url.ts";
import { SETTINGS } from "../../../contract/settings.ts";
import { RedisUnavailableError, TaskfleetError } from "../../core/errors.ts";
import { CLIENT_TIMEOUT_MS, type ConnectionProfile, connectionOptions } from "./connection-options.ts";
import { Pulse } from "./pulse.ts";
import { slotConnector } from "./slot-connector.ts";

export type { ConnectionProfile } from "./connection-options.ts";

export interface ConnectionOptions {
  /** One of `REDIS_URL_FORMS`, with `user:password@` before the hosts and the database behind them. */
  readonly url: string;
  /** Wins over the URL's own; "" for none. A function is asked each time that it connects: the password may rotate. */
  readonly password: string | (() => string);
  readonly profile: ConnectionProfile;
  /** Shown by `CLIENT LIST`. */
  readonly name: string;
  /** With a Cluster: the stream whose hash slot the connection follows. Default: the fleet's usual one. */
  readonly queue?: string;
}

/** Where a Redis URL leads, without user or password. Throws when it is none. */
export function redisAddress(url: string): string {
  return describePlace(parseRedisUrl(url).place);
}

/** @throws TaskfleetError without any secret when it is none. */
export function parseRedisUrl(text: string): RedisUrl {
  const read = readRedisUrl(text);
  if (!("problem" in read)) return read;
  const { received, allowed, wayOut } = read.problem;
  if (received.includes("not shown"))
    throw new TaskfleetError(`REDIS_URL: not a Redis address; expected ${REDIS_URL_FORMS}`);
  throw new TaskfleetError(`REDIS_URL: ${received}; allowed: ${allowed}. ${wayOut}`);
}

const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|Connection is closed|Command timed out|connect ETIMEDOUT|max retries per request|NOAUTH|WRONGPASS|LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|NOREPLICAS|EXECABORT|All sentinels are unreachable|no node of the Cluster answers/;

/** What ioredis says of bytes that are not Redis' protocol. */
const NO_REDIS = /Unknown RESP type/;

/** What ioredis says when no Sentinel answered, or none knew the master. */
const NO_SENTINEL = /^All sentinels are unreachable.*?(?: Last error: (.*))?$/s;

/** ioredis, with errors in the project's own words. */
class Connection extends Redis {
  readonly #o: ConnectionOptions;
  readonly #url: RedisUrl;
  readonly #password: () => string;
  /** Of a Cluster: the slot that this connection follows; else `null`. */
  readonly #slot: number | null;
  /** Connections to the masters of other slots. */
  readonly #others = new Map<number, Connection>();
  #lastError = "";
  #unknownMaster = false;

  constructor(o: ConnectionOptions, url: RedisUrl, slot: number | null) {
    const { password } = o;
    const current = typeof password === "function" ? password : () => password;
    const login = () => ({ username: url.username, password: current() || url.password });
    const options: RedisOptions = { ...connectionOptions(url, o.profile), connectionName: o.name };
    if (url.place.kind === "cluster" && slot !== null)
      options.Connector = slotConnector({ nodes: url.place.nodes, slot, tls: url.tls, login });
    super({ ...options, replyMapping: "legacy" });
    this.#o = o;
    this.#url = url;
    this.#password = () => login().password;
    this.#slot = slot;
    // Without a listener every failed reconnect would be printed; the commands carry the error.
    this.on("error", (error: Error) => {
      this.#lastError = error.message;
    });
    this.on("sentinelError", (error: Error) => {
      this.#unknownMaster = error.message.endsWith("invalid reply: null");
    });
    this.on("ready", () => {
      this.#lastError = "";
    });
    if (url.place.kind !== "single" && o.profile !== "blocking") new Pulse(this).watch();
  }

  /** Also called by itself, to connect again. */
  override connect(callback?: (error?: Error | null) => void): Promise<void> {
    const password = this.#password();
    if (password !== "") this.options.password = password;
    const { place } = this.#url;
    if (place.kind === "sentinel" && place.login === "redis" && password !== "")
      Object.assign(this.options, { sentinelPassword: password });
    return super.connect(callback);
  }

  override disconnect(reconnect = false): void {
    super.disconnect(reconnect);
    if (!reconnect) for (const other of this.#others.values()) other.disconnect();
  }

  /** The connection for this key's slot: this one, unless the key is of another slot of a Cluster. */
  forKey(key: string): Connection {
    return this.#slot === null ? this : this.#forSlot(slotOf(key));
  }

  override sendCommand(command: Command, ...rest: never[]): unknown {
    // What travels in a pipeline stays together.
    const slot = this.#slot === null || rest[0] !== undefined ? null : slotOfCommand(command);
    if (slot !== null && slot !== this.#slot) return this.#forSlot(slot).sendCommand(command);
    const sent = super.sendCommand(command, ...rest);
    if (!(sent instanceof Promise)) return sent;
    const translated = sent.catch((error: unknown) => {
      throw this.translate(error);
    });
    // ioredis resends queued commands itself and ignores this promise; the first caller's copy still rejects.
    translated.catch(() => {});
    return translated;
  }

  #forSlot(slot: number): Connection {
    if (slot === this.#slot) return this;
    const known = this.#others.get(slot);
    if (known !== undefined) return known;
    const other = new Connection(this.#o, this.#url, slot);
    other.on("error", (error) => this.emit("error", error));
    this.#others.set(slot, other);
    return other;
  }

  translate(error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof RedisUnavailableError) return error;
    const unreachable = (reason: string) =>
      new RedisUnavailableError(describePlace(this.#url.place), reason, { cause: error });
    if (NO_REDIS.test(error.message + this.#lastError))
      return unreachable("what answers there is no Redis (REDIS_URL)");
    if (!UNREACHABLE.test(error.message)) return error;
    if (/NOAUTH|WRONGPASS/.test(error.message + this.#lastError))
      return unreachable(
        NO_SENTINEL.test(this.#lastError)
          ? "a Sentinel refuses the password (sentinelPassword or sentinelAuth=redis in REDIS_URL)"
          : "it refuses the password (REDIS_PASSWORD or REDIS_PASSWORD_FILE)",
      );
    const timedOut = `no answer within ${CLIENT_TIMEOUT_MS / 1000} s`;
    const plain = error.message === "Command timed out" ? timedOut : error.message;
    return unreachable(this.#plainly(this.#lastError === "" ? plain : this.#lastError));
  }

  #plainly(reason: string): string {
    const sentinels = NO_SENTINEL.exec(reason);
    if (sentinels === null) return reason;
    const [, last] = sentinels;
    if (this.#unknownMaster || last?.includes("No such master"))
      return "no Sentinel knows a master of that name";
    return last === undefined || last === "Connection is closed."
      ? "no Sentinel answers"
      : `no Sentinel answers: ${last}`;
  }
}

/** `null`: it has no key, or keys of several slots, which the server refuses. */
function slotOfCommand(command: Command): number | null {
  const slot = command.getSlot() as number | null;
  return slot === null || slot < 0 ? null : slot;
}

function slotOf(key: string): number {
  return new Command("get", [key]).getSlot();
}

/**
 * A connection that is made with its first command, to the server, to the master that the Sentinels name, or to the node of
 * a Cluster that serves the queue's hash slot; it follows a fail-over. Commands on other slots' keys go to connections of
 * their own, which it makes and ends. Rejections that mean "not reachable" are `RedisUnavailableError`s. End it with
 * `quit()` or `disconnect()`.
 */
export function createConnection(o: ConnectionOptions): Redis {
  const url = parseRedisUrl(o.url);
  const [usual] = SETTINGS.streams.default;
  const slot = url.place.kind === "cluster" ? slotOf(o.queue ?? usual ?? "") : null;
  return new Connection(o, url, slot);
}

/**
 * The connection whose pipelines, transactions and blocking reads may touch this key: the same one, but where the key is in
 * another slot of a Cluster. It ends with the given one.
 */
export function connectionOf(redis: Redis, key: string): Redis {
  return redis instanceof Connection ? redis.forKey(key) : redis;
}

/** Awaits a pipeline or transaction and returns its replies; the first command's error is thrown. */
export async function replies(
  redis: Redis,
  batch: { exec(): Promise<[error: Error | null, result: unknown][] | null> },
): Promise<unknown[]> {
  const translate = (error: unknown) => (redis instanceof Connection ? redis.translate(error) : error);
  let answers: [Error | null, unknown][] | null;
  try {
    answers = await batch.exec();
  } catch (error) {
    throw translate(error);
  }
  if (answers === null) throw new TaskfleetError("Redis gave up a transaction");
  return answers.map(([error, value]) => {
    if (error !== null) throw translate(error);
    return value;
  });
}

/** The server that a connection is at now. */
export async function serverOf(redis: Redis): Promise<{ readonly host: string; readonly port: number }> {
  await redis.ping();
  const { remoteAddress, remotePort } = redis.stream as { remoteAddress?: string; remotePort?: number };
  if (remoteAddress === undefined || remotePort === undefined)
    throw new TaskfleetError("the connection to Redis was lost");
  return { host: remoteAddress, port: remotePort };
}

/** How a program logs in where a URL leads. `password`: wins over the URL's own; "" for none, as in the answer. */
export function redisLogin(url: string, password: string) {
  const { place, username, tls, password: own } = parseRedisUrl(url);
  return { place, username, password: password === "" ? own : password, tls };
}
