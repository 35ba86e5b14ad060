import { Type } from "typebox";
import { TaskRefusedError } from "../../core/errors.ts";
import type { NewTask } from "../../core/task.ts";
import { queueOf } from "../auth.ts";
import type { ApiParts, Queue } from "../parts.ts";
import { refused } from "../problems.ts";
import {
  IdempotencyKey,
  IdParams,
  IdsBody,
  Pushed,
  StateOf,
  StreamQuery,
  Task,
  taskBatch,
} from "../schemas.ts";
import type { Server } from "../server.ts";
import { type PushBody, tasksOf } from "../task-body.ts";
import { keyed } from "./route.ts";

/** The payloads' texts; a refusal names the task's place in the batch. */
function judge({ rules }: Queue, tasks: readonly NewTask[], batch: boolean): Promise<string[]> {
  if (!batch) return rules.texts(tasks);
  let at = 0;
  const judged = rules.judge((validator) =>
    tasks.map((task, index) => {
      at = index;
      return validator.check(task);
    }),
  );
  return judged.catch((error: unknown) => {
    throw error instanceof TaskRefusedError ? refused(error, `tasks[${at}].`) : error;
  });
}

/** Pushes tasks, and cancels them. */
export function addTaskRoutes(app: Server, { settings, tracing }: ApiParts): void {
  const tag = "tasks";
  app.post<{ Body: PushBody; Headers: { "idempotency-key"?: string } }>(
    "/api/tasks",
    keyed("tasks:push", {
      ...{
        tag,
        summary: "Push a task, or several: none when one is refused",
        query: StreamQuery,
        headers: IdempotencyKey,
        limited: true,
      },
      body: Type.Union([Task, taskBatch(settings.apiMaxBatch)]),
      ends: { 200: Pushed, 202: Pushed },
      fails: ["task-refused", "queue-full"],
    }),
    async (request, reply) => {
      const queue = queueOf(request);
      const batch = "tasks" in request.body;
      const tasks = tasksOf(request.body, request.headers["idempotency-key"]);
      const texts = await judge(queue, tasks, batch);
      const push = (traced: readonly NewTask[]) => queue.pushes.push(traced, texts);
      const states = await tracing.sends.send(queue.stream, tasks, push, request.span?.parent);
      const [only] = states;
      reply.status(!batch && only?.state === "duplicate" ? 200 : 202);
      return batch ? { tasks: states } : only;
    },
  );
  app.post<{ Params: { id: string } }>(
    "/api/tasks/:id/cancel",
    keyed("tasks:cancel", {
      ...{ tag, summary: "Cancel a task", query: StreamQuery, params: IdParams, ends: { 200: StateOf } },
    }),
    async (request) => {
      const { id } = request.params;
      const [state] = await queueOf(request).producer.cancel([id]);
      return { id, state };
    },
  );
  app.post<{ Body: { ids: string[] } }>(
    "/api/cancel",
    keyed("tasks:cancel", {
      ...{ tag, summary: "Cancel tasks", query: StreamQuery, body: IdsBody },
      ends: { 200: Type.Object({ tasks: Type.Array(StateOf) }) },
    }),
    async (request) => {
      const { ids } = request.body;
      const states = await queueOf(request).producer.cancel(ids);
      return { tasks: ids.map((id, at) => ({ id, state: states[at] })) };
    },
  );
}
