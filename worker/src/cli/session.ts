import type { Redis } from "ioredis";
import type { Enqueued } from "../adapters/redis/producer.ts";
import type { Results } from "../adapters/redis/results.ts";
import { loadSettings, type Settings } from "../config/load-settings.ts";
import type { NewTask } from "../core/task.ts";
import type { Tracing } from "../tracing/tracing.ts";

/** What a command of the queue works with: settings, one stream, one connection. */
export interface Session {
  readonly settings: Settings<"cli">;
  readonly stream: string;
  readonly redis: Redis;
  /** A second connection, for subscriptions; made at the first call. */
  readonly subscriber: () => Redis;
  /** Makes a push, with a span where tracing is on. */
  readonly send: (tasks: readonly NewTask[], push: Push) => Promise<Enqueued[]>;
}

type Push = (tasks: readonly NewTask[]) => Promise<Enqueued[]>;

export interface SessionOptions {
  /** Default: the first of `TASKFLEET_QUEUE_NAME`. */
  readonly stream?: string;
}

/** The spans of a command's pushes; what was not taken is said on standard error. */
async function openSpans(settings: Settings<"cli">): Promise<Tracing> {
  const [{ openTracing }, { secretValues }, { redactor }] = await Promise.all([
    import("../tracing/open-tracing.ts"),
    import("../config/load-settings.ts"),
    import("../logging/redact.ts"),
  ]);
  const warn = (fields: object) =>
    process.stderr.write(`taskfleet: spans were not taken: ${JSON.stringify(fields)}\n`);
  const logger = { info: () => {}, warn };
  return openTracing({ settings, role: "cli", redact: redactor(secretValues(settings)), logger });
}

/** Reads the results of its stream's tasks, and waits for them. */
export async function resultsOf({ redis, subscriber, stream, settings }: Session): Promise<Results> {
  const [{ Results }, { outputsIn }] = await Promise.all([
    import("../adapters/redis/results.ts"),
    import("../adapters/files/outputs.ts"),
  ]);
  return new Results(redis, subscriber, stream, outputsIn(settings.resultDirectory));
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
  let tracing: Promise<Tracing> | undefined;
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
      send: async (tasks, push) => {
        tracing ??= openSpans(settings);
        const parent = { traceparent: settings.traceparent };
        return (await tracing).sends.send(
          options.stream ?? (settings.streams[0] as string),
          tasks,
          push,
          parent,
        );
      },
    });
  } finally {
    await (await tracing)?.stop();
    for (const connection of connections) connection.disconnect();
  }
}
