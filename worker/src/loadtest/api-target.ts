/** A fleet behind its API: pushes and results by HTTP alone. */
import type { KnownOutcome } from "../adapters/redis/results.ts";
import type { NewTask } from "../core/task.ts";
import type { TaskEnd } from "./report.ts";
import { type Clock, endOf, OverRateError, type Target } from "./run.ts";

/** The API does not answer, or refuses what is no matter of load: a key, a task. `status` 0: it does not answer. */
export class ApiCallError extends Error {
  override readonly name = "ApiCallError";
  readonly status: number;
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

export interface ApiAddress {
  /** As `TASKFLEET_API_URL`. */
  readonly url: string;
  readonly key: string;
  readonly stream: string;
}

/** Least that any API takes in a body. */
const MOST_TASKS = 100;
const MOST_IDS = 1_000;
/** Between two looks at results: how late an end may be seen. */
const LOOK_MS = 25;
/** Refusals that further pushes would meet as well. */
const HOPELESS: readonly number[] = [400, 401, 403, 404, 413, 415, 422];
const OVER_RATE = 429;

interface Answered {
  readonly id: string;
  readonly state: string;
}

/** One POST; its body. @throws ApiCallError, OverRateError */
async function call<T>({ url, key, stream }: ApiAddress, path: string, body: object): Promise<T> {
  const place = `${url.replace(/\/+$/, "")}${path}?stream=${encodeURIComponent(stream)}`;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(place, { method: "POST", headers, body: JSON.stringify(body) });
    text = await answer.text();
  } catch (error) {
    const { cause } = error as Error;
    const reason = cause instanceof Error ? cause.message : (error as Error).message;
    throw new ApiCallError(`the API at ${url} does not answer: ${reason}`, 0, { cause: error });
  }
  if (answer.ok) return JSON.parse(text) as T;
  if (answer.status === OVER_RATE) throw new OverRateError(detailOf(text));
  throw new ApiCallError(`the API at ${url} answers ${answer.status}: ${detailOf(text)}`, answer.status);
}

function detailOf(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    if (typeof detail === "string") return detail;
  } catch {
    // it is no problem document
  }
  return text.slice(0, 200);
}

/** Whether the API answers and takes the key, by a question that changes nothing. @throws ApiCallError */
export async function greetApi(address: ApiAddress): Promise<void> {
  await call(address, "/api/results", { ids: ["loadtest"] });
}

/** What `runLoad` drives. Results are asked for every 25 ms, those of pushed tasks that have no end yet. */
export function apiTarget(address: ApiAddress, clock: Clock): Target {
  const open = new Set<string>();
  const hopeless = Promise.withResolvers<never>();
  hopeless.promise.catch(() => {});
  const pushPart = async (tasks: readonly NewTask[]) => {
    try {
      await call(address, "/api/tasks", { tasks });
      for (const { id } of tasks) if (id !== undefined) open.add(id);
    } catch (error) {
      if (error instanceof ApiCallError && HOPELESS.includes(error.status)) hopeless.reject(error);
      throw error;
    }
  };
  const look = async (ended: (id: string, end: TaskEnd) => void) => {
    const ids = [...open];
    for (let from = 0; from < ids.length; from += MOST_IDS) {
      const body = { ids: ids.slice(from, from + MOST_IDS) };
      const { tasks } = await call<{ tasks: (Answered & KnownOutcome)[] }>(address, "/api/results", body);
      for (const outcome of tasks) {
        const end = outcome.state === "unknown" ? undefined : endOf(outcome);
        if (end === undefined) continue;
        open.delete(outcome.id);
        ended(outcome.id, end);
      }
    }
  };
  return {
    push: async (tasks) => {
      const parts = Array.from({ length: Math.ceil(tasks.length / MOST_TASKS) }, (_, part) =>
        tasks.slice(part * MOST_TASKS, (part + 1) * MOST_TASKS),
      );
      await Promise.all(parts.map(pushPart));
    },
    watch: async (ids, ended, signal) => {
      let left = ids.length;
      const looks = async () => {
        while (!signal.aborted && left > 0) {
          await look((id, end) => {
            left -= 1;
            ended(id, end);
          });
          await clock.sleep(LOOK_MS, signal);
        }
      };
      await Promise.race([looks(), hopeless.promise]);
    },
  };
}
