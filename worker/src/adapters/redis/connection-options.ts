/** What ioredis is told, by profile and by what the URL names. */
import type { RedisOptions } from "ioredis";
import type { RedisUrl } from "../../../contract/redis-url.ts";

/**
 * `client`: for people and pushes, a command fails within 5 s when Redis does not answer. The others wait and
 * reconnect for ever: `command` for scripts, `blocking` for reads that block, `subscriber` for channels.
 */
export type ConnectionProfile = "command" | "blocking" | "subscriber" | "client";

export const CLIENT_TIMEOUT_MS = 4_000;
const CLIENT_RETRIES = 4;
const CLIENT_RETRY_MS = 200;
/** Between two rounds in which no Sentinel answered. */
const SENTINELS_AGAIN_MS = 300;
const SENTINEL_ANSWER_MS = 2_000;

const reconnectForEver = (times: number): number => Math.min(50 * 2 ** Math.min(times, 6), 2_000);

const PATIENT: RedisOptions = { maxRetriesPerRequest: null, retryStrategy: reconnectForEver };

const PROFILES: Record<ConnectionProfile, RedisOptions> = {
  command: PATIENT,
  blocking: PATIENT,
  subscriber: PATIENT,
  client: {
    maxRetriesPerRequest: CLIENT_RETRIES,
    retryStrategy: () => CLIENT_RETRY_MS,
    connectTimeout: CLIENT_TIMEOUT_MS,
    commandTimeout: CLIENT_TIMEOUT_MS,
  },
};

/** Answers of a server that is not, or no more, the master: nothing was done, and another one will do it. */
const NOT_THE_MASTER = /^(?:READONLY|MOVED|ASK|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|UNBLOCKED)\b/;
const RESEND = 2;

/** For servers of which one takes over from another. */
const FAILS_OVER: RedisOptions = {
  reconnectOnError: (error) => (NOT_THE_MASTER.test(error.message) ? RESEND : false),
};

/** All but the password of Redis, which may rotate, and the way to a Cluster's node. */
export function connectionOptions({ place, tls, username, database }: RedisUrl, profile: ConnectionProfile) {
  const options: RedisOptions = { ...PROFILES[profile], lazyConnect: true };
  if (username !== "") options.username = username;
  if (database !== 0) options.db = database;
  if (tls) options.tls = {};
  if (place.kind === "single") return Object.assign(options, place.node);
  Object.assign(options, FAILS_OVER);
  if (place.kind === "cluster") return options;
  const { nodes, master, login } = place;
  Object.assign(options, {
    ...{ sentinels: [...nodes], name: master, role: "master", updateSentinels: true },
    ...{ sentinelRetryStrategy: () => SENTINELS_AGAIN_MS, sentinelCommandTimeout: SENTINEL_ANSWER_MS },
    connectTimeout: CLIENT_TIMEOUT_MS,
    ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  });
  if (typeof login !== "object") return options;
  const { username: sentinelUsername, password: sentinelPassword } = login;
  return Object.assign(options, {
    sentinelPassword,
    ...(sentinelUsername === "" ? {} : { sentinelUsername }),
  });
}
