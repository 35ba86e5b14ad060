/** The demo's other tasks, and what each must come to. */
import { HOSTILE_PROGRAMS, hostilePayload } from "../../../examples/hostile/programs.ts";
import type { DemoTask } from "./summary.ts";

/** One line of the file that `taskfleet push` reads. */
export interface PushLine {
  readonly kind: string;
  readonly id: string;
  readonly payload: unknown;
}

export interface PlannedTask extends DemoTask {
  readonly push: PushLine;
}

const RECOVERING = 20;
const HOPELESS = 5;

function flaky(id: string, failures: number, expect: DemoTask["expect"]): PlannedTask {
  return { id, expect, push: { kind: "flaky", id, payload: { failures } } };
}

/** Tasks that fail twice and then succeed, and tasks that never do. */
export function flakyTasks(run: string): PlannedTask[] {
  return [
    ...Array.from({ length: RECOVERING }, (_, at) =>
      flaky(`${run}-recovers-${at}`, 2, "success-on-third-run"),
    ),
    ...Array.from({ length: HOPELESS }, (_, at) => flaky(`${run}-hopeless-${at}`, 99, "dead")),
  ];
}

/** In two, the first tells that it runs. */
export const LONG_STEPS = 2;

/**
 * A task long enough for its worker to be killed or stopped in the middle. A worker that wakes up too late in its last
 * step has its result at once, before it can learn that the task is another's.
 */
export function longTask(run: string, name: string, seconds: number): PlannedTask {
  const id = `${run}-${name}`;
  return {
    id,
    expect: "success",
    push: { kind: "sleep", id, payload: { ms: seconds * 1000, steps: LONG_STEPS } },
  };
}

/** Programs that attack their worker and its neighbours, each in the sandbox. */
export function hostileTasks(run: string): PlannedTask[] {
  return HOSTILE_PROGRAMS.map((program) => {
    const id = `${run}-hostile-${program.file.replace(".", "-")}`;
    const push = { kind: "execute", id, payload: hostilePayload(program) };
    return { id, expect: `error:${program.reason}`, push };
  });
}

/** JSONL for `taskfleet push -`. */
export function pushLines(tasks: readonly PlannedTask[]): string {
  return tasks.map(({ push }) => `${JSON.stringify(push)}\n`).join("");
}
