import { setTimeout as delay } from "node:timers/promises";
import { EXIT } from "../../../contract/exit-codes.ts";
import { WITHOUT_OUTPUTS } from "../../adapters/files/outputs.ts";
import { redisAddress } from "../../adapters/redis/connection.ts";
import { Producer } from "../../adapters/redis/producer.ts";
import { Results } from "../../adapters/redis/results.ts";
import { newTaskId } from "../../core/task-id.ts";
import { ApiCallError, apiTarget, greetApi } from "../../loadtest/api-target.ts";
import { judgeLoad, type LoadReport } from "../../loadtest/report.ts";
import { writeReport } from "../../loadtest/reports.ts";
import { type Clock, endOf, runLoad, type Target } from "../../loadtest/run.ts";
import { evenSchedule } from "../../loadtest/schedule.ts";
import { showLoadReport } from "../../loadtest/show-report.ts";
import type { LoadTestOptions } from "../loadtest.ts";
import { problemList } from "../output/problem-list.ts";
import { progressBar } from "../output/progress.ts";
import { CliError } from "../report-error.ts";
import { type Session, withSession } from "../session.ts";
import { taskCheck } from "../task-check.ts";

/** What a load test drives, and how the report names it. */
interface Fleet {
  readonly via: LoadReport["via"];
  readonly stream: string;
  readonly address: string;
  readonly target: Target;
}

/** `loadtest`: gives the exit code. */
export async function loadTest(options: LoadTestOptions): Promise<number> {
  const payload = parsePayload(options.payload);
  return withSession(options, async (session) => {
    const fleet = await (options.via === "api" ? overApi(session) : overRedis(session, options, payload));
    const quit = new AbortController();
    const interrupt = () => quit.abort();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, interrupt);
    try {
      const report = await measure(fleet, options, payload, quit.signal);
      if (quit.signal.aborted) return EXIT.interrupted;
      const file = writeReport(options.reports, report);
      process.stdout.write(
        options.json === true ? `${JSON.stringify(report)}\n` : showLoadReport(report, file),
      );
      return report.passed ? EXIT.ok : EXIT.failed;
    } catch (error) {
      throw error instanceof ApiCallError ? refusedByApi(error) : error;
    } finally {
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, interrupt);
    }
  });
}

async function overRedis(session: Session, { kind }: LoadTestOptions, payload: unknown): Promise<Fleet> {
  const problems = (await taskCheck(session))({ kind, payload });
  if (problems.length > 0)
    throw new CliError(`the task is refused; nothing was pushed${problemList(problems)}`, EXIT.usage);
  const { stream, settings } = session;
  return { via: "redis", stream, address: redisAddress(settings.redisUrl), target: queueTarget(session) };
}

/** Redis is not asked for anything. */
async function overApi({ settings: { apiUrl: url, apiKey: key }, stream }: Session): Promise<Fleet> {
  if (!URL.canParse(url) || key === "")
    throw new CliError(
      `--via api wants TASKFLEET_API_URL (${url === "" ? "not set" : `"${url}"`}) and TASKFLEET_API_KEY`,
      EXIT.usage,
      "`taskfleet env` has those of a stack of this machine; `taskfleet api-key create` makes a key.",
    );
  const address = { url, key, stream };
  await greetApi(address).catch((error: unknown) => {
    throw error instanceof ApiCallError ? refusedByApi(error) : error;
  });
  return { via: "api", stream, address: url, target: apiTarget(address, CLOCK) };
}

function refusedByApi(error: ApiCallError): CliError {
  if (error.status === 0 || error.status >= 500) return new CliError(error.message, EXIT.unavailable);
  return new CliError(
    error.message,
    EXIT.usage,
    "The key must have the verbs tasks:push and tasks:read; --kind and --payload name the task.",
  );
}

async function measure(
  { via, stream, address, target }: Fleet,
  options: LoadTestOptions,
  payload: unknown,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { kind, rate, duration, patience, maxP99 = null, maxErrors } = options;
  const schedule = evenSchedule(rate, duration);
  const progress = await progressBar("tasks", options.json !== true);
  const at = new Date().toISOString();
  progress.start(schedule.total);
  const samples = await runLoad({
    target,
    schedule,
    task: () => ({ id: newTaskId(), kind, payload }),
    clock: CLOCK,
    patienceMs: patience,
    signal,
    onProgress: (ended) => progress.set(ended),
  }).finally(() => progress.stop());
  return {
    v: 1,
    at,
    ...{ stream, via, target: address },
    kind,
    rate,
    duration_ms: duration,
    ...judgeLoad(samples, { maxP99Ms: maxP99, maxErrors }),
  };
}

/** Straight to Redis, as `push` and applications do. */
function queueTarget({ redis, subscriber, stream, settings }: Session): Target {
  const { resultTtl: resultTtlSeconds, maxPayloadBytes } = settings;
  const producer = new Producer(redis, stream, { resultTtlSeconds, maxPayloadBytes });
  const results = new Results(redis, subscriber, stream, WITHOUT_OUTPUTS);
  return {
    push: (tasks) => producer.enqueue(tasks),
    watch: (ids, ended, signal) =>
      results.wait(ids, {
        signal,
        onOutcome: (id, outcome) => {
          const end = endOf(outcome);
          if (end !== undefined) ended(id, end);
        },
      }),
  };
}

const CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }).catch(() => {}),
};

function parsePayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`--payload is no JSON: ${(error as Error).message}`, EXIT.usage);
  }
}
