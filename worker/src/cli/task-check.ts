import type { NewTask } from "../core/task.ts";
import type { Session } from "./session.ts";

/** Whether tasks may be pushed, as far as the pusher can tell. */
export interface TaskCheck {
  /** What is wrong with a task, one line each, the field first; none when it may go. */
  problemsOf(task: NewTask): readonly string[];
  /** Which kind of secret bytes hold; `undefined` for none. */
  secretIn(bytes: Buffer): string | undefined;
}

export async function taskCheck(session: Session): Promise<TaskCheck> {
  const { publishedKinds } = await import("./published-kinds.ts");
  const kinds = await publishedKinds(session);
  return {
    problemsOf: (task) => (kinds.has(task.kind) ? [] : [`kind: ${task.kind}`]),
    secretIn: () => undefined,
  };
}
