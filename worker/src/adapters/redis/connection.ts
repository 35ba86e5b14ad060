import { type Command, Redis, type RedisOptions } from "ioredis";
import { RedisUnavailableError, TaskfleetError } from "../../core/errors.ts";

/**
 * `client`: for people and pushes, a command fails within 5 s when Redis does not answer. The others wait and
 * reconnect for ever: `command` for scripts, `blocking` for reads that block, `subscriber` for channels.
 */
export type ConnectionProfile = "command" | "blocking" | "subscriber" | "client";

export interface ConnectionOptions {
  /** `redis://[user:password@]host[:port][/db]` or `rediss://...`. */
  readonly url: string;
  /** Wins over the URL's own; "" for none. A function is asked each time that it connects: the password may rotate. */
  readonly password: string | (() => string);
  readonly profile: ConnectionProfile;
  /** Shown by `CLIENT LIST`. */
  readonly name: string;
}

const CLIENT_TIMEOUT_MS = 4_000;
const CLIENT_RETRIES = 4;
const CLIENT_RETRY_MS = 200;

const reconnectForEver = (times: number): number => Math.min(50 * 2 ** Math.min(times, 6), 2_000);

const PROFILES: Record<ConnectionProfile, RedisOptions> = {
  command: { maxRetriesPerRequest: null, retryStrategy: reconnectForEver },
  blocking: { maxRetriesPerRequest: null, retryStrategy: reconnectForEver },
  subscriber: { maxRetriesPerRequest: null, retryStrategy: reconnectForEver },
  client: {
    maxRetriesPerRequest: CLIENT_RETRIES,
    retryStrategy: () => CLIENT_RETRY_MS,
    connectTimeout: CLIENT_TIMEOUT_MS,
    commandTimeout: CLIENT_TIMEOUT_MS,
  },
};

/** Host and port of a Redis URL, without user or password. Throws when it is not one. */
export function redisAddress(url: string): string {
  return parseRedisUrl(url).address;
}

/** How a program logs in where a URL leads. `password`: wins over the URL's own; "" for none, as in the answer. */
export function redisLogin(url: string, password: string) {
  const { address, options } = parseRedisUrl(url);
  return {
    ...{ address, host: options.host ?? "", port: options.port ?? 6379, username: options.username ?? "" },
    password: password === "" ? (options.password ?? "") : password,
    tls: options.tls !== undefined,
  };
}

function parseRedisUrl(text: string): { address: string; options: RedisOptions } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") {
    throw new TaskfleetError(
      "REDIS_URL: not a Redis address; expected redis://host:port or rediss://host:port",
    );
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? 6379 : Number(url.port);
  const options: RedisOptions = { host, port };
  if (url.username !== "") options.username = decodeURIComponent(url.username);
  if (url.password !== "") options.password = decodeURIComponent(url.password);
  if (/^\/\d+$/.test(url.pathname)) options.db = Number(url.pathname.slice(1));
  if (url.protocol === "rediss:") options.tls = {};
  return { address: `${url.hostname}:${port}`, options };
}

const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|Connection is closed|Command timed out|connect ETIMEDOUT|max retries per request|NOAUTH|WRONGPASS|LOADING|MASTERDOWN/;

/** What ioredis says of bytes that are not Redis' protocol. */
const NO_REDIS = /Unknown RESP type/;

/** ioredis, with errors in the project's own words. */
class Connection extends Redis {
  readonly #address: string;
  readonly #password: () => string;
  #lastError = "";

  constructor(address: string, options: RedisOptions, password: () => string) {
    super({ ...options, lazyConnect: true, replyMapping: "legacy" });
    this.#address = address;
    this.#password = password;
    // Without a listener every failed reconnect would be printed; the commands carry the error.
    this.on("error", (error: Error) => {
      this.#lastError = error.message;
    });
    this.on("ready", () => {
      this.#lastError = "";
    });
  }

  /** Also called by itself, to connect again. */
  override connect(callback?: (error?: Error | null) => void): Promise<void> {
    const password = this.#password();
    if (password !== "") this.options.password = password;
    return super.connect(callback);
  }

  override sendCommand(command: Command, ...rest: never[]): unknown {
    const sent = super.sendCommand(command, ...rest);
    if (!(sent instanceof Promise)) return sent;
    const translated = sent.catch((error: unknown) => {
      throw this.translate(error);
    });
    // ioredis resends queued commands itself and ignores this promise; the first caller's copy still rejects.
    translated.catch(() => {});
    return translated;
  }

  translate(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    if (NO_REDIS.test(error.message + this.#lastError)) {
      const reason = "what answers there is no Redis (REDIS_URL)";
      return new RedisUnavailableError(this.#address, reason, { cause: error });
    }
    if (!UNREACHABLE.test(error.message)) return error;
    if (/NOAUTH|WRONGPASS/.test(error.message + this.#lastError)) {
      const reason = "it refuses the password (REDIS_PASSWORD or REDIS_PASSWORD_FILE)";
      return new RedisUnavailableError(this.#address, reason, { cause: error });
    }
    const timedOut = `no answer within ${CLIENT_TIMEOUT_MS / 1000} s`;
    const plain = error.message === "Command timed out" ? timedOut : error.message;
    const reason = this.#lastError === "" ? plain : this.#lastError;
    return new RedisUnavailableError(this.#address, reason, { cause: error });
  }
}

/**
 * A connection that is made with its first command. Rejections that mean "not reachable" are
 * `RedisUnavailableError`s. End it with `quit()` or `disconnect()`.
 */
export function createConnection(o: ConnectionOptions): Redis {
  const { address, options } = parseRedisUrl(o.url);
  const { password } = o;
  const current = typeof password === "function" ? password : () => password;
  const shown = { ...options, ...PROFILES[o.profile], connectionName: o.name };
  return new Connection(address, shown, current);
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
