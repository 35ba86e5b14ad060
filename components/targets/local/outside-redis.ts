/** The queue in a Redis that the stack does not start: a server, a master by Sentinels, a Cluster. */
import { join } from "node:path";
import { passwordsIn, readRedisUrl } from "../../../worker/contract/redis-url.ts";
import type { CommandInputs } from "../../hosts/host-command.ts";
import type { ResolvedFleet } from "../../spec/resolve.ts";
import {
  classSettings,
  type Environment,
  secretFileVariable,
  toEnvironment,
} from "../../spec/to-environment.ts";
import { PRIVATE } from "../env-file.ts";
import { REFERENCES } from "../references.ts";
import type { LocalContext } from "./document.ts";
import { redisPasswordFile } from "./files.ts";

const CHECK_SECONDS = 60;

/** Where processes of the fleet find Redis. */
export function redisUrlOf({ outsideRedis }: LocalContext): string {
  return outsideRedis === null ? `redis://${REFERENCES.redisAddress}` : outsideRedis.url;
}

/** How they log in there. */
export function redisLoginOf(context: LocalContext): Environment {
  const { outsideRedis } = context;
  if (outsideRedis !== null && !outsideRedis.hasPassword) return {};
  return { [secretFileVariable("redisPassword")]: redisPasswordFile(context) };
}

/** Writes the password and `client.env`, and asks that Redis whether the fleet can use it. */
export function compileOutsideRedis(
  fleet: ResolvedFleet,
  context: LocalContext,
  client: string,
): CommandInputs | null {
  const { outsideRedis, paths, node, bundle } = context;
  if (outsideRedis === null) return null;
  const { durability, streams } = classSettings(fleet, fleet.classes[0], "spawner");
  const settings = {
    ...{ redisUrl: outsideRedis.url, streams: streams ?? [] },
    ...(durability === undefined ? {} : { durability }),
  };
  const password = { path: redisPasswordFile(context), content: REFERENCES.redisPassword, mode: PRIVATE };
  return {
    name: "redis-check",
    directory: paths.directory,
    command: node,
    args: [join(bundle.directory, "main.mjs"), "spawner", "--check"],
    environment: { ...toEnvironment(settings), ...redisLoginOf(context) },
    files: [
      ...(outsideRedis.hasPassword ? [password] : []),
      { path: paths.clientEnv, content: client, mode: PRIVATE },
    ],
    log: join(paths.logs, "redis-check.log"),
    timeoutSeconds: CHECK_SECONDS,
    trigger: [bundle.digest, ...Object.values(toEnvironment(settings))].join(" "),
  };
}

/** What is wrong with the config's `redisUrl` and `redisPassword`; undefined: nothing. */
export function outsideRedisProblem(
  url: string | undefined,
  hasPassword: boolean,
  { backup }: Pick<ResolvedFleet, "backup">,
): string | undefined {
  if (url === undefined)
    return hasPassword
      ? "taskfleet:redisPassword is set without taskfleet:redisUrl, the address of that Redis: set it, or unset the password"
      : undefined;
  const read = readRedisUrl(url);
  if ("problem" in read) {
    const { received, allowed, wayOut } = read.problem;
    return `taskfleet:redisUrl: ${received}; allowed: ${allowed}. ${wayOut}`;
  }
  if (passwordsIn(url).length > 0)
    return "taskfleet:redisUrl holds a password, and is no secret: set taskfleet:redisPassword (--secret), and sentinelAuth=redis for Sentinels with the same one";
  if (read.place.kind === "cluster" && (backup.enabled || backup.restore !== ""))
    return "taskfleet:redisUrl names a Cluster, whose masters are backed up one by one (docs/high-availability.md): set fleet.backup.enabled: false, and no backup.restore";
  return undefined;
}
