import Table from "cli-table3";
import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { PATHS } from "../paths.ts";
import { CommandError } from "./command-error.ts";
import { LiveView } from "./demo/live-view.ts";
import { queueCommand } from "./demo/queue-command.ts";
import { type DemoReport, runDemo } from "./demo/run-demo.ts";
import type { DemoSummary } from "./demo/summary.ts";
import { type Engine, ensureStack, findEngine, runPulumi } from "./pulumi-stack.ts";
import { runCommand } from "./run-command.ts";
import { DEFAULT_STACK } from "./stack-name.ts";
import { nextSteps } from "./up.ts";

/** The demo's faster policy. What the stack's config names already stays. */
const CONFIG: Readonly<Record<string, string>> = {
  "taskfleet:fleet.handlers": "examples/handlers",
  "taskfleet:fleet.scaling.interval": "1",
  "taskfleet:fleet.scaling.idleToZero": "10",
  "taskfleet:fleet.scaling.max": "8",
  "taskfleet:fleet.scaling.leaderLease": "3",
};
const NEEDED_KINDS = ["execute", "flaky", "sleep"];

async function pulumiConfig(engine: Engine, stack: string, words: readonly string[]): Promise<boolean> {
  const command = ["pulumi", "config", ...words, "--stack", stack, "--non-interactive"] as const;
  return (await runCommand(command, { cwd: PATHS.root, env: engine.environment })).code === 0;
}

/** Writes each of `CONFIG` that is not set yet. */
async function configure(engine: Engine, stack: string): Promise<void> {
  const unset: string[] = [];
  for (const [key, value] of Object.entries(CONFIG))
    if (!(await pulumiConfig(engine, stack, ["get", "--path", key]))) unset.push(`${key}=${value}`);
  if (unset.length === 0) return;
  const pairs = unset.flatMap((pair) => ["--plaintext", pair]);
  if (!(await pulumiConfig(engine, stack, ["set-all", "--path", ...pairs])))
    throw new CommandError(`cannot write the config of stack ${stack}: ${unset.join(" ")}`, EXIT.failed);
}

async function assertKinds(stack: string): Promise<void> {
  const lines = (await queueCommand(stack, ["kinds", "--json"])).split("\n").filter((line) => line !== "");
  const published = lines.map((line) => (JSON.parse(line) as { readonly kind: string }).kind);
  const missing = NEEDED_KINDS.filter((name) => !published.includes(name));
  if (missing.length === 0) return;
  throw new CommandError(
    `stack ${stack} has no handler for ${missing.join(", ")}: its config names another handlers folder. ` +
      `Run pulumi config rm --path taskfleet:fleet.handlers -s ${stack}, then this again`,
    EXIT.conflict,
  );
}

const milliseconds = (ms: number) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`);

/** The summary's rows for people. */
export function summaryRows(summary: DemoSummary): [string, string][] {
  return [
    ["pushed", String(summary.pushed)],
    ["done", String(summary.done)],
    ["retried", String(summary.retried)],
    ["dead-lettered", String(summary.deadLettered)],
    ["wait p50 / p99", `${milliseconds(summary.wait.p50)} / ${milliseconds(summary.wait.p99)}`],
    ["run p50 / p99", `${milliseconds(summary.run.p50)} / ${milliseconds(summary.run.p99)}`],
    ["most workers at once", String(summary.mostWorkers)],
    ["reclaimed", String(summary.reclaimed)],
    ["late results refused", String(summary.lateRefused)],
    [
      "hostile programs",
      `${summary.hostile.asExpected} of ${summary.hostile.all} ended with the expected reason`,
    ],
  ];
}

function show({ summary, problems }: DemoReport, seconds: number): void {
  const table = new Table({ style: { head: [], border: [] } });
  table.push(...summaryRows(summary));
  process.stdout.write(`\n${table.toString()}\n`);
  for (const problem of problems.slice(0, 20)) process.stdout.write(`NOT as demanded: ${problem}\n`);
  const verdict = problems.length === 0 ? "every task has exactly one result or is dead-lettered" : "FAILED";
  process.stdout.write(`${verdict}; ${seconds.toFixed(1)} s from the start of this command\n`);
}

/** Seconds since the launcher began, the set-up included. */
function secondsSinceStart(environment: NodeJS.ProcessEnv): number {
  const started = Number(environment.TASKFLEET_STARTED) * 1000 || performance.timeOrigin;
  return (Date.now() - started) / 1000;
}

async function demo(): Promise<void> {
  const stack = DEFAULT_STACK;
  const view = new LiveView(process.stderr);
  const engine = findEngine(process.env);
  await ensureStack(engine, stack);
  await configure(engine, stack);
  view.say(`• pulumi up of stack ${stack}`);
  await runPulumi(engine, stack, ["up", "--yes", "--skip-preview", "--suppress-progress"]);
  await assertKinds(stack);
  const report = await runDemo(stack, view);
  show(report, secondsSinceStart(process.env));
  view.say("\n• pulumi up again: it sees the killed spawner and starts it anew");
  await runPulumi(engine, stack, ["up", "--yes", "--skip-preview", "--suppress-progress"]);
  process.stdout.write(`\nThe fleet stays up and scales itself to zero when it is idle.${nextSteps(stack)}`);
  if (report.problems.length > 0) process.exitCode = EXIT.failed;
}

/** Adds `taskfleet demo`. */
export function register(program: Command): void {
  program
    .command("demo")
    .description("a fleet on this machine, real tasks, workers killed in the middle, and a summary")
    .action(demo);
}
