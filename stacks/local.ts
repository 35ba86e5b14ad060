import { delimiter, resolve } from "node:path";
import type { Config } from "@pulumi/pulumi";
import { explained, HostError } from "../components/hosts/errors.ts";
import { PATHS, stackPaths } from "../components/paths.ts";
import { postgresServer } from "../components/platform/postgres-server.ts";
import { redisServer } from "../components/platform/redis-server.ts";
import { sandboxHelper } from "../components/sandbox-helper.ts";
import { type ResolvedFleet, resolveFleet } from "../components/spec/resolve.ts";
import { local as target } from "../components/targets/local/compile.ts";
import { LocalFleet } from "../components/targets/local/component.ts";
import { handlersDigest } from "../components/targets/local/handlers-digest.ts";
import { outsideRedisProblem } from "../components/targets/local/outside-redis.ts";
import { checkWorkers } from "../components/targets/local/workers-check.ts";
import type { OutsideUrl } from "../components/targets/outside-urls.ts";
import { buildBundle } from "../worker/build.ts";
import { outsideUrls } from "./outside-urls.ts";
import { handlerSecrets } from "./secrets.ts";

/** The address and password of a Redis that is not this stack's; `null`: the stack starts one. @throws HostError */
function outsideRedis(config: Config, fleet: ResolvedFleet) {
  const url = config.get("redisUrl");
  const password = config.getSecret("redisPassword");
  const problem = outsideRedisProblem(url, password !== undefined, fleet);
  if (problem !== undefined) throw new HostError(problem);
  return url === undefined ? null : { url, password };
}

/**
 * A fleet on this machine. Config: `taskfleet:fleet` (the spec, see `components/spec/fleet-spec.ts`),
 * `taskfleet:secrets` (texts by name, for handlers), `taskfleet:redisUrl` and `taskfleet:redisPassword` (a Redis elsewhere),
 * `taskfleet:databaseUrl` and its kin (a database elsewhere, see
 * `docs/local.md`) and `taskfleet:deleteData` (the data of Redis and PostgreSQL goes with the stack; by default it stays).
 */
export async function local(stack: string, config: Config): Promise<Record<string, unknown>> {
  const fleet = resolveFleet(config.getObject("fleet") ?? {}, target.name);
  const secrets = handlerSecrets(config);
  const outside = outsideUrls(config, fleet);
  const queue = outsideRedis(config, fleet);
  const paths = stackPaths(stack);
  const handlers = fleet.handlers === "" ? "" : resolve(PATHS.root, fleet.handlers);
  const helper = sandboxHelper();
  if (fleet.execute.untrusted && helper === "")
    throw new HostError(
      "execute.untrusted: true, but the sandbox's helper is not built: ./taskfleet setup builds it, or says why not",
    );
  const [bundle, digest] = await Promise.all([
    explained(`build the worker's bundle in ${paths.bundles}`, () =>
      buildBundle({ outDir: paths.bundles, sandboxHelper: helper }),
    ),
    handlersDigest(handlers),
  ]);
  const parts = {
    root: PATHS.root,
    node: process.execPath,
    bundle,
    hiddenPaths: [
      ...[paths.secrets, paths.postgres, PATHS.passphrase, PATHS.pulumiBackend, PATHS.backups],
      ...(fleet.backup.directory === "" ? [] : [fleet.backup.directory]),
    ],
  };
  const path = [PATHS.bin, process.env.PATH].join(delimiter);
  const document = target.compile(fleet, {
    ...parts,
    paths,
    controls: await checkWorkers(fleet, parts),
    redisServer: queue === null ? redisServer(path) : "",
    outsideRedis: queue === null ? null : { url: queue.url, hasPassword: queue.password !== undefined },
    postgresPrograms: fleet.recordRuns && outside === null ? postgresServer(path).directory : "",
    outsideDatabase: outside === null ? null : (Object.keys(outside) as OutsideUrl[]),
    handlersDigest: digest,
    hasSecrets: secrets !== undefined,
    deleteData: config.getBoolean("deleteData") ?? false,
  });
  const given = {
    ...outside,
    ...(queue?.password === undefined ? {} : { redisPassword: queue.password }),
    ...(secrets === undefined ? {} : { handlerSecrets: secrets }),
  };
  const running = new LocalFleet(stack, document, given);
  const spawners = [...running.spawners].map(([name, process]) => [name, process.address] as const);
  return {
    redisAddress: running.redis?.address ?? queue?.url,
    streams: document.classes.map(({ stream }) => stream),
    ...(running.database === undefined ? {} : { databaseAddress: running.database.address }),
    ...(running.api === undefined ? {} : { apiAddress: running.api.address }),
    spawners: Object.fromEntries(spawners),
    imageTag: document.imageTag,
    lostTasks: document.lostTasks,
    controls: document.controls,
    logs: paths.logs,
    runDirectories: document.classes.map(({ workers }) => workers.directory),
  };
}
