import type { Redis } from "ioredis";
import { loadSettings, type Settings } from "../config/load-settings.ts";

/** What a command of the queue works with: settings, one stream, one connection. */
export interface Session {
  readonly settings: Settings<"cli">;
  readonly stream: string;
  readonly redis: Redis;
  /** A second connection, for subscriptions; made at the first call. */
  readonly subscriber: () => Redis;
}

export interface SessionOptions {
  /** Default: the first of `TASKFLEET_QUEUE_NAME`. */
  readonly stream?: string;
}

/** Connects, runs `work`, and disconnects whatever happened. A Redis that does not answer fails within 5 s. */
export async function withSession<T>(
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const settings = loadSettings(process.env, "cli");
  const { createConnection } = await import("../adapters/redis/connection.ts");
  const connections: Redis[] = [];
  const connect = (profile: "client" | "subscriber") => {
    const { redisUrl: url, redisPassword: password } = settings;
    const connection = createConnection({ url, password, profile, name: "taskfleet-cli" });
    connections.push(connection);
    return connection;
  };
  let subscriber: Redis | undefined;
  try {
    return await work({
      settings,
      stream: options.stream ?? (settings.streams[0] as string),
      redis: connect("client"),
      subscriber: () => {
        // Many waits may listen at once.
        subscriber ??= connect("subscriber").setMaxListeners(0);
        return subscriber;
      },
    });
  } finally {
    for (const connection of connections) connection.disconnect();
  }
}
