import { SETTINGS } from "../../contract/settings.ts";
import { InvalidTaskError, TaskRefusedError } from "../core/errors.ts";
import type { NewTask } from "../core/task.ts";
import { TaskValidator } from "../core/validate-task.ts";
import { publishedKinds } from "./published-kinds.ts";
import type { Session } from "./session.ts";

/** What is wrong with a task, one line each that starts with the field; none when it may be pushed. */
export type TaskCheck = (task: NewTask) => readonly string[];

/** The check by the rules of the fleet that a session talks to, and the secrets of this environment. */
export async function taskCheck(session: Session): Promise<TaskCheck> {
  const { maxPayloadBytes, redisPassword } = session.settings;
  const kinds = await publishedKinds(session);
  const validator = new TaskValidator({
    kinds: kinds.values(),
    maxPayloadBytes,
    // The password may come from a file or from `.env`.
    environment: { ...process.env, [SETTINGS.redisPassword.env]: redisPassword },
  });
  return (task) => {
    try {
      validator.check(task);
      return [];
    } catch (error) {
      if (error instanceof InvalidTaskError) return error.problems;
      if (error instanceof TaskRefusedError) return [error.message];
      throw error;
    }
  };
}
