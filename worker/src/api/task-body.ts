/** Tasks as requests have them, and as the queue takes them. Pure. */
import type { NewTask } from "../core/task.ts";
import { isTaskId } from "../core/task-id.ts";
import { wrongField } from "./problems.ts";
import type { Task } from "./schemas.ts";

export type PushBody = Task | { readonly tasks: readonly Task[] };

const HEADER = "Idempotency-Key";
const ms = (seconds: number) => Math.round(seconds * 1000);

/**
 * The tasks of a request. With an idempotency key a single task has it as its id, and those of a batch `<key>:<index>`
 * where they have none of their own. Throws a `Problem` for a key that is no id, or is another id than the body's.
 */
export function tasksOf(body: PushBody, key: string | undefined): NewTask[] {
  if (key !== undefined && !isTaskId(key))
    throw wrongField(HEADER, "1 to 128 characters of A-Z a-z 0-9 . _ : -");
  if (!("tasks" in body)) {
    if (key !== undefined && body.id !== undefined && body.id !== key)
      throw wrongField(HEADER, "the task has another id");
    return [taskOf(body, key)];
  }
  const tasks = body.tasks.map((task, at) => taskOf(task, key === undefined ? undefined : `${key}:${at}`));
  const places = new Map<string, number>();
  tasks.forEach(({ id }, at) => {
    if (id === undefined) return;
    const first = places.get(id);
    if (!isTaskId(id)) throw wrongField(HEADER, `too long, for it makes ids such as ${id}`);
    if (first !== undefined) throw wrongField(`tasks[${at}].id`, `tasks[${first}] has this id already`);
    places.set(id, at);
  });
  return tasks;
}

function taskOf(task: Task, key?: string): NewTask {
  const { kind, payload = {}, id = key, agent_id, delay, timeout, max_attempts, priority } = task;
  const { traceparent, tracestate } = task;
  return {
    ...{ kind, payload },
    ...(id === undefined ? {} : { id }),
    ...(agent_id === undefined ? {} : { agentId: agent_id }),
    ...(delay === undefined ? {} : { delayMs: ms(delay) }),
    ...(timeout === undefined ? {} : { timeoutMs: ms(timeout) }),
    ...(max_attempts === undefined ? {} : { maxAttempts: max_attempts }),
    ...(priority === undefined ? {} : { priority }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
}
