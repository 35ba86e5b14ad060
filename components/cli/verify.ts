import type { Command } from "commander";
import { EXIT } from "../../worker/contract/exit-codes.ts";
import { SETTINGS } from "../../worker/contract/settings.ts";
import type { HostShell } from "../hosts/compose/host-shell.ts";
import { localShell } from "../hosts/compose/local-shell.ts";
import type { ComposeHost } from "../hosts/compose/project-inputs.ts";
import { readProjectRecord } from "../hosts/compose/project-record.ts";
import { sshShell } from "../hosts/compose/ssh-shell.ts";
import { stackPaths } from "../paths.ts";
import { gatherContainers } from "../verify/containers.ts";
import type { Subject } from "../verify/facts.ts";
import { explanations, isProven, judgeAll, table, toJson } from "../verify/report.ts";
import { gatherWorkers } from "../verify/workers.ts";
import { CommandError } from "./command-error.ts";
import { stackEnvironment } from "./environment.ts";
import { checkStackName, defaultStack } from "./stack-name.ts";

interface VerifyOptions {
  readonly stack: string;
  readonly project?: string;
  readonly ssh?: string;
  readonly json?: boolean;
}

/** A Compose project and where its engine is; `null`: the stack's workers are processes. */
interface Place {
  readonly project: string;
  readonly host: ComposeHost;
}

async function placeOf({ stack, project, ssh }: VerifyOptions): Promise<Place | null> {
  const here: ComposeHost =
    ssh === undefined ? { kind: "local" } : { kind: "ssh", destination: ssh, port: 0, identityFile: "" };
  if (project !== undefined) return { project, host: here };
  const record = await readProjectRecord(stackPaths(stack).composeRecord);
  if (record === null) return null;
  return { project: record.project, host: ssh === undefined ? record.host : here };
}

async function withShell<T>(host: ComposeHost, work: (shell: HostShell) => Promise<T>): Promise<T> {
  const shell = host.kind === "local" ? localShell(process.env) : sshShell(host, process.env);
  return work(shell);
}

async function gather(options: VerifyOptions): Promise<readonly Subject[]> {
  const { stack } = options;
  const place = await placeOf(options);
  if (place !== null) {
    const found = await withShell(place.host, (shell) => gatherContainers(shell, place.project));
    if (found.length > 0) return found;
    throw new CommandError(
      `no container of the Compose project ${place.project} runs: nothing is proven (taskfleet up -s ${stack})`,
      EXIT.failed,
    );
  }
  const client = stackEnvironment(stack);
  if (client === undefined)
    throw new CommandError(
      `stack ${stack} is not up: nothing is proven (taskfleet up -s ${stack}, or --project for a Compose project)`,
      EXIT.failed,
    );
  const controls = client[SETTINGS.controls.env] ?? "";
  const workers = await gatherWorkers(localShell(process.env), stackPaths(stack).run, controls);
  if (workers.length > 0) return workers;
  throw new CommandError(
    `no worker of stack ${stack} runs: nothing is proven; push a task, which starts one, then this again`,
    EXIT.failed,
  );
}

async function verify(options: VerifyOptions): Promise<void> {
  checkStackName(options.stack);
  const judged = judgeAll(await gather(options));
  const proven = isProven(judged);
  if (options.json === true) process.stdout.write(toJson(judged));
  else {
    const lines = explanations(judged);
    process.stdout.write(`${table(judged)}${lines === "" ? "" : `\n${lines}`}`);
    const unseen = judged.some(({ verdicts }) => verdicts.some(({ state }) => state === "unknown"));
    if (unseen && process.getuid?.() !== 0)
      process.stdout.write("What is unknown is hidden from this user: run it as root.\n");
  }
  process.exitCode = proven ? EXIT.ok : EXIT.failed;
}

/** Adds `taskfleet verify`. */
export function register(program: Command): void {
  program
    .command("verify")
    .alias("verify-nonroot")
    .description("prove that what runs is confined: user, capabilities, seccomp, read-only root, limits, ...")
    .option("-s, --stack <name>", "the stack", defaultStack(process.env))
    .option("--project <name>", "a Compose project, whoever started it")
    .option("--ssh <destination>", "where its engine is, as user@host")
    .option("--json", "one JSON object")
    .addHelpText("after", "\nExit codes: 0 all is proven, 1 something is not, 2 wrong words.")
    .action(verify);
}
