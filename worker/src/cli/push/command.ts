import { EXIT } from "../../../contract/exit-codes.ts";
import { type Enqueued, Producer } from "../../adapters/redis/producer.ts";
import type { TaskOutcome } from "../../adapters/redis/results.ts";
import { outcomeJson, showOutcomes } from "../output/outcome.ts";
import { problemList } from "../output/problem-list.ts";
import { progressBar } from "../output/progress.ts";
import { count } from "../output/units.ts";
import type { PushOptions } from "../push.ts";
import { CliError } from "../report-error.ts";
import { resultsOf, type Session, withSession } from "../session.ts";
import { taskCheck } from "../task-check.ts";
import { exitCodeOf, waitForOutcomes } from "../waiting.ts";
import { type Gathered, gatherTasks } from "./gather-tasks.ts";

/** `push`: gives the exit code. */
export async function push(
  kind: string | undefined,
  source: string | undefined,
  options: PushOptions,
): Promise<number> {
  const gathered = await gatherTasks(kind, source, options);
  refuse(gathered, gathered.problems);
  return withSession(options, async (session) => {
    const check = await taskCheck(session);
    const problems = gathered.tasks.flatMap(({ place, task }) =>
      check(task).map((problem) => (place === "" ? problem : `${place}: ${problem}`)),
    );
    refuse(gathered, problems);
    const producer = new Producer(session.redis, session.stream, {
      resultTtlSeconds: session.settings.resultTtl,
      maxPayloadBytes: session.settings.maxPayloadBytes,
    });
    const tasks = gathered.tasks.map(({ task }) => task);
    const pushed = await session.send(tasks, (traced) => producer.enqueue(traced));
    const waits = options.wait === true || options.waitTimeout !== undefined;
    if (!waits || options.json !== true) printPushed(pushed, gathered, options);
    return waits ? wait(session, pushed, options) : EXIT.ok;
  });
}

/** One error for all problems. */
function refuse({ source }: Gathered, problems: readonly string[]): void {
  const [first] = problems;
  if (first === undefined) return;
  if (problems.length === 1)
    throw new CliError(`${source === "" ? "" : `${source}: `}${first}; nothing was pushed`, EXIT.usage);
  throw new CliError(
    `${source === "" ? "the task" : source} has ${count(problems.length, "problem")}; nothing was pushed${problemList(problems)}`,
    EXIT.usage,
  );
}

function printPushed(pushed: readonly Enqueued[], { tasks }: Gathered, { json }: PushOptions): void {
  pushed.forEach(({ id, state }, index) => {
    const line = json === true ? JSON.stringify({ id, kind: tasks[index]?.task.kind, state }) : id;
    process.stdout.write(`${line}\n`);
  });
  const known = pushed.filter(({ state }) => state === "duplicate").length;
  if (known > 0 && json !== true)
    process.stderr.write(
      `taskfleet: ${known} of ${count(pushed.length, "task")} not pushed: the id is known already\n`,
    );
}

async function wait(session: Session, pushed: readonly Enqueued[], options: PushOptions): Promise<number> {
  const results = await resultsOf(session);
  const ids = pushed.map(({ id }) => id);
  const progress = await progressBar("tasks", options.json !== true);
  const { outcomes, end } = await waitForOutcomes(results, ids, { timeoutMs: options.waitTimeout, progress });
  const found = ids.map((id) => [id, outcomes.get(id) ?? ({ state: "open" } as TaskOutcome)] as const);
  if (options.json === true)
    for (const [id, outcome] of found) process.stdout.write(`${outcomeJson(id, outcome)}\n`);
  else process.stdout.write(showOutcomes(found));
  return exitCodeOf(
    found.map(([, outcome]) => outcome),
    end,
  );
}
