/**
 * The queue's Lua scripts, one file per atomic change. A line `-- include: name` stands for `lua/lib/name.lua`.
 * Scripts are called by digest; a server that does not know one (first call, restart) gets its text.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Redis } from "ioredis";

export type ScriptArgument = string | number;

export class RedisScript {
  readonly text: string;
  readonly sha: string;

  constructor(text: string) {
    this.text = text;
    this.sha = createHash("sha1").update(text).digest("hex");
  }

  /** Runs it; calls made in one tick travel together. */
  async run(redis: Redis, keys: readonly string[], args: readonly ScriptArgument[]): Promise<unknown> {
    const rest = [...keys, ...args];
    try {
      return await redis.evalsha(this.sha, keys.length, ...rest);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return await redis.eval(this.text, keys.length, ...rest);
    }
  }
}

function read(name: string): string {
  return readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), "utf8");
}

function load(name: string): RedisScript {
  const text = read(name).replace(/^-- include: (\S+)$/gm, (_line, part: string) => read(`lib/${part}`));
  return new RedisScript(text);
}

export const SCRIPTS = {
  ensureGroup: load("ensure-group"),
  enqueue: load("enqueue"),
  take: load("take"),
  heartbeat: load("heartbeat"),
  settle: load("settle"),
  retry: load("retry"),
  bury: load("bury"),
  release: load("release"),
  reclaim: load("reclaim"),
  locate: load("locate"),
  promote: load("promote"),
  admit: load("admit"),
  unpark: load("unpark"),
  unparkDue: load("unpark-due"),
  cancel: load("cancel"),
  pause: load("pause"),
  resume: load("resume"),
  requeue: load("requeue"),
  leaseAcquire: load("lease-acquire"),
  leaseRelease: load("lease-release"),
  recordExit: load("record-exit"),
  recordScaling: load("record-scaling"),
  orderScaling: load("order-scaling"),
  recordTrim: load("record-trim"),
  recordAdvance: load("record-advance"),
  forgetConsumer: load("forget-consumer"),
  forgetConsumers: load("forget-consumers"),
  publishKinds: load("publish-kinds"),
  depth: load("depth"),
  purgeWaiting: load("purge-waiting"),
  purgeDelayed: load("purge-delayed"),
  purgeDead: load("purge-dead"),
  sessionOpen: load("session-open"),
  sessionResume: load("session-resume"),
  sessionTouch: load("session-touch"),
  sessionEnd: load("session-end"),
  sessionFollow: load("session-follow"),
  sessionUnfollow: load("session-unfollow"),
  rateLimit: load("rate-limit"),
  reportApi: load("report-api"),
  circuitEnter: load("circuit-enter"),
  circuitReport: load("circuit-report"),
} as const;
