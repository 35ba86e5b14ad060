/** The role `worker`: runs tasks until it is told to stop, has been idle or is old enough. */
import { hostname } from "node:os";
import type { Redis } from "ioredis";
import { parseControls } from "../../contract/controls.ts";
import { EXIT } from "../../contract/exit-codes.ts";
import { LOG_EVENTS } from "../../contract/log-events.ts";
import { SETTINGS } from "../../contract/settings.ts";
import { RedisCircuits } from "../adapters/redis/circuits.ts";
import { type ConnectionProfile, createConnection, redisAddress } from "../adapters/redis/connection.ts";
import { Consumer } from "../adapters/redis/consumer.ts";
import { ControlSubscriber } from "../adapters/redis/control.ts";
import { KindLimiter } from "../adapters/redis/kind-limits.ts";
import { describeSandbox } from "../adapters/sandbox/describe.ts";
import { openSandbox } from "../adapters/sandbox/open-sandbox.ts";
import type { Settings } from "../config/load-settings.ts";
import { openStart, requireAll } from "../config/open-start.ts";
import { RedisUnavailableError } from "../core/errors.ts";
import { limitsOf } from "../handlers/execute/payload-limits.ts";
import { killAllGroups } from "../handlers/execute/process-group.ts";
import { createExecuteHandler } from "../handlers/execute.ts";
import { type LoadedHandler, loadHandlers } from "../handlers/load-handlers.ts";
import type { History } from "../history/history.ts";
import { historyLine } from "../history/history-line.ts";
import { openHistory } from "../history/open-history.ts";
import { HealthServer } from "../http/health-server.ts";
import { redisReadiness } from "../http/redis-readiness.ts";
import { WorkerMetrics } from "../http/worker-metrics.ts";
import { logOptions } from "../logging/log-options.ts";
import { createLogger, type Logger } from "../logging/logger.ts";
import { redactor } from "../logging/redact.ts";
import { reportSecrets } from "../logging/report-secrets.ts";
import type { ResultStore } from "../ports/result-store.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import type { Outcome } from "../runtime/outcome.ts";
import { payloadCheck } from "../runtime/payload-check.ts";
import { RuntimeEvents } from "../runtime/runtime-events.ts";
import { runtimeLimits } from "../runtime/runtime-limits.ts";
import { StopRequests } from "../runtime/stop-requests.ts";
import { exitReason, outerPid, tellSupervisor } from "../runtime/supervisor-link.ts";
import { unblocker } from "../runtime/unblock.ts";
import { newWorkerId } from "../runtime/worker-id.ts";
import { type RuntimeEnd, WorkerRuntime } from "../runtime/worker-runtime.ts";
import { currentSetting } from "../secrets/open-secrets.ts";
import type { Secrets } from "../secrets/secrets.ts";
import { openTracing } from "../tracing/open-tracing.ts";
import type { Tracing } from "../tracing/tracing.ts";
import { kindLimits } from "./kind-limits.ts";
import { openResults } from "./open-results.ts";

/** For the consumer to be forgotten at the end; its report is dropped later else. */
const GOODBYE_MS = 1_000;

interface Connections {
  readonly redis: Redis;
  readonly blocking: Redis;
  readonly subscriber: Redis;
}

interface Parts {
  readonly settings: Settings<"worker">;
  readonly workerId: string;
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly metrics: WorkerMetrics;
  readonly connections: Connections;
  readonly handlers: ReadonlyMap<string, LoadedHandler>;
  readonly sandbox: Sandbox | string;
  readonly results: ResultStore;
  readonly tracing: Tracing;
  readonly history: History | null;
  readonly pid: number;
}

function connect(settings: Settings<"worker">, secrets: Secrets, workerId: string): Connections {
  const { redisUrl: url } = settings;
  const password = () => currentSetting(secrets, settings, "redisPassword");
  const open = (profile: ConnectionProfile) =>
    createConnection({ url, password, profile, name: `${workerId}-${profile}` });
  return { redis: open("command"), blocking: open("blocking"), subscriber: open("subscriber") };
}

function makeCircuits({ settings, connections }: Parts, events: RuntimeEvents): RedisCircuits {
  const [stream] = settings.streams;
  if (stream === undefined) throw new Error("TASKFLEET_QUEUE_NAME is checked to name a stream");
  return new RedisCircuits({
    redis: connections.redis,
    stream,
    failures: settings.circuitFailures,
    openMs: settings.circuitOpen * 1000,
    onChange: (name, state) => events.circuitChanged(name, state),
    onFailure: (error) => events.failed("circuit", error),
  });
}

/** Into the history of executions, where there is one. */
function recordEnd({ settings, workerId, tracing, history }: Parts, outcome: Outcome): void {
  if (history === null) return;
  const { trace_id } = tracing.attempts.ids(outcome.task);
  const line = historyLine(outcome, { workerId, imageTag: settings.imageTag }, Date.now(), trace_id);
  if (line !== undefined) history.add(line);
}

function makeRuntime(parts: Parts, consumer: Consumer, address: string): WorkerRuntime {
  const { settings, workerId, logger, secrets, metrics, connections, handlers, sandbox, tracing, pid } =
    parts;
  const controls = parseControls(settings.controls);
  const ms = (seconds: number) => seconds * 1000;
  const events = new RuntimeEvents(logger, (source) => metrics.countFailure(source), tracing.attempts);
  return new WorkerRuntime({
    queue: consumer,
    results: parts.results,
    limiter: new KindLimiter(connections.redis, workerId, kindLimits(settings, handlers, logger)),
    limits: runtimeLimits(settings),
    handlers,
    check: payloadCheck(
      handlers,
      settings.maxPayloadBytes,
      {
        ...process.env,
        // It may have come from a file.
        [SETTINGS.redisPassword.env]: settings.redisPassword,
      },
      () => secrets.values(),
    ),
    policy: {
      workerId,
      imageTag: settings.imageTag,
      spacing: {
        baseMs: ms(settings.retryBase),
        maxMs: ms(settings.retryMax),
        jitter: settings.retryJitter,
      },
      random: Math.random,
      redact: redactor(() => secrets.values()),
    },
    self: {
      worker_id: workerId,
      pid,
      host: hostname(),
      image_tag: settings.imageTag,
      revision: settings.revision,
      started_at: Date.now(),
      address,
      ...(controls === null ? {} : { controls }),
      sandbox: describeSandbox(sandbox),
    },
    events,
    circuits: makeCircuits(parts, events),
    secrets,
    traces: tracing.attempts,
    onEnded: (outcome) => recordEnd(parts, outcome),
    interrupt: unblocker(connections.redis, connections.blocking),
    killPrograms: killAllGroups,
  });
}

async function work(parts: Parts, requests: StopRequests, address: string): Promise<RuntimeEnd> {
  const { settings, workerId, connections } = parts;
  const { redis, blocking, subscriber } = connections;
  const { streams, resultTtl: resultTtlSeconds } = settings;
  const consumer = new Consumer({ redis, blocking, streams, workerId, resultTtlSeconds });
  const runtime = makeRuntime(parts, consumer, address);
  for (const connection of [redis, blocking]) {
    connection.on("error", (cause) => {
      const address = redisAddress(settings.redisUrl);
      runtime.queueUnreachable(new RedisUnavailableError(address, cause.message, { cause }));
    });
  }
  const control = new ControlSubscriber(subscriber, streams, (message) => runtime.control(message));
  control.start().catch((error: unknown) => runtime.queueUnreachable(error));
  runtime.start();
  requests.heed((reason) => runtime.stop(reason));
  const end = await runtime.ended;
  control.stop();
  const patience = new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref());
  await Promise.race([consumer.close().catch(() => {}), patience]);
  return end;
}

/** The sandbox that this process can make; what it is and lacks is logged. */
async function ownSandbox(settings: Settings<"worker">, logger: Logger): Promise<Sandbox | string> {
  const sandbox = await openSandbox({
    helper: settings.sandboxHelper,
    broker: settings.sandboxBroker,
    backEnd: settings.executeBackEnd,
    acceptUnenforced: settings.executeAcceptUnenforced,
    readable: settings.executeReadable,
    controlGroup: settings.controlGroup,
  });
  const always = settings.executeSandbox === "always";
  if (typeof sandbox === "string") logger.info({ always, reason: sandbox }, LOG_EVENTS.noSandbox);
  else {
    const { backEnd, unenforced, oneAtATime, groups } = sandbox;
    logger.info(
      { always, back_end: backEnd, unenforced, one_at_a_time: oneAtATime, cgroups: groups },
      LOG_EVENTS.sandbox,
    );
  }
  return sandbox;
}

/**
 * Runs a worker and returns its exit code.
 * @throws SettingsError, SecretsError, HandlersError, StartError, HealthServerError when it cannot start.
 */
export async function runWorker(env: NodeJS.ProcessEnv): Promise<number> {
  // Before all else that listens to the supervisor, or its word would be missed.
  const toldPid = outerPid();
  const { settings, secrets } = await openStart(env, "worker");
  const workerId = settings.workerId === "" ? newWorkerId() : settings.workerId;
  const guarded = () => secrets.values();
  const { concurrency, batchSize, pollInterval, streams } = settings;
  const fields = { worker_id: workerId };
  const logger = await createLogger({ name: "worker", ...logOptions(settings), fields, secrets: guarded });
  reportSecrets(secrets, logger);
  logger.info(
    {
      concurrency,
      batch_size: batchSize,
      poll_interval: pollInterval,
      streams,
      image_tag: settings.imageTag,
    },
    LOG_EVENTS.starting,
  );
  const requests = new StopRequests(logger);
  requests.listen();
  const sandbox = await ownSandbox(settings, logger);
  const always = settings.executeSandbox === "always";
  const execute = createExecuteHandler({ sandbox, always, limits: limitsOf(settings) });
  const { handlers: folder, httpAllow } = settings;
  const handlers = await requireAll(secrets, () => loadHandlers({ folder, execute, httpAllow }));
  logger.info({ skills: [...handlers.keys()] }, LOG_EVENTS.skills);
  const tracing = await openTracing({
    ...{ settings, role: "worker", instance: workerId, version: settings.imageTag, secrets, logger },
    redact: redactor(guarded),
  });
  const history = openHistory(settings, logger);
  const results = await openResults(settings, workerId);
  const connections = connect(settings, secrets, workerId);
  const metrics = new WorkerMetrics(
    () => tracing.dropped,
    () => history?.lost ?? 0,
  );
  metrics.start();
  const { httpHost: host, httpPort: port } = settings;
  const ready = () => redisReadiness(connections.redis);
  const health = new HealthServer({ host, port, metrics: () => metrics.text(), ready, secrets: guarded });
  try {
    await health.start();
    const pid = await toldPid;
    const own = { settings, workerId, logger, secrets, metrics, connections, history };
    const end = await work({ ...own, handlers, sandbox, results, tracing, pid }, requests, health.address);
    await Promise.all([tracing.stop(), history?.flush()]);
    logger.info({ reason: end.reason, graceful: end.graceful }, LOG_EVENTS.stopped);
    await tellSupervisor({ exit: exitReason(end) });
  } finally {
    requests.stop();
    secrets.stop();
    await health.stop();
    for (const connection of Object.values(connections)) connection.disconnect();
  }
  return EXIT.ok;
}
