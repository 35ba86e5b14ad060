import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { explain, HostError } from "./errors.ts";
import { lastLines, makeDirectory } from "./host-files.ts";
import { listensOn, portOwner } from "./ports.ts";
import { withPort, writeFiles } from "./process-files.ts";
import { identify, type ProcessIdentity } from "./process-identity.ts";
import type { ProcessInputs } from "./process-inputs.ts";
import { writeRecord } from "./process-record.ts";
import { type ReadyCheck, whatIsMissing } from "./ready.ts";
import { stopProcess } from "./stop-process.ts";

/**
 * What a process gets of the environment of the update. Not all of it: the engine's variables, among them
 * the passphrase, are none of its business.
 */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"] as const;
const LOG_LINES_SHOWN = 15;
const ASK_AGAIN_MS = 25;

/** The environment of something that the host runs: `own`, and what it inherits of the update's. */
export function hostEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = INHERITED.map((name) => [name, process.env[name]]).filter(
    ([, value]) => value !== undefined,
  );
  return { ...Object.fromEntries(inherited), ...own };
}

/** Its whole environment on this port. */
export function environmentOf(inputs: ProcessInputs, port: number): NodeJS.ProcessEnv {
  const own = Object.entries(inputs.environment).map(([name, value]) => [name, withPort(value, port)]);
  return hostEnvironment(Object.fromEntries(own));
}

/** Starts it in a session of its own, so that neither a Ctrl-C nor the end of the update reaches it. */
async function launch(
  inputs: ProcessInputs,
  port: number,
  log: number,
): Promise<[ChildProcess, ProcessIdentity]> {
  const { name, command, directory } = inputs;
  const child = spawn(
    command,
    inputs.args.map((arg) => withPort(arg, port)),
    { cwd: directory, env: environmentOf(inputs, port), detached: true, stdio: ["ignore", log, log] },
  );
  try {
    await once(child, "spawn");
  } catch (error) {
    throw explain(`start ${name} (${command})`, error);
  }
  child.unref();
  const identity = child.pid === undefined ? null : identify(child.pid);
  // Gone before anyone looked: it has no start time, and the wait for readiness reports its end.
  return [child, identity ?? { pid: child.pid ?? 0, start: 0 }];
}

/** How the process ended, or `undefined` while it runs. */
function endOf(child: ChildProcess): string | undefined {
  if (child.exitCode !== null) return `ended with exit code ${child.exitCode}`;
  if (child.signalCode !== null) return `was ended by ${child.signalCode}`;
  return undefined;
}

/** Nothing in PostgreSQL's first answer tells whose server it is: another one may have taken the port meanwhile. */
function strangerOn(port: number, { kind }: ReadyCheck, { pid = 0 }: ChildProcess): string | undefined {
  if (kind !== "postgres" || listensOn(pid, port)) return undefined;
  return `port ${port} is answered by ${portOwner(port) ?? "another process"}`;
}

/** Why the process is no use: it ended, or was not ready in time. `undefined` when it is ready. */
async function failureOf(
  { ready }: ProcessInputs,
  child: ChildProcess,
  port: number,
): Promise<string | undefined> {
  const deadline = performance.now() + ready.timeoutSeconds * 1000;
  for (;;) {
    const missing = (await whatIsMissing(ready, port)) ?? strangerOn(port, ready, child);
    const ended = endOf(child);
    if (ended !== undefined) return ended;
    if (missing === undefined) return undefined;
    if (performance.now() > deadline) return `is not ready after ${ready.timeoutSeconds} s: ${missing}`;
    await delay(ASK_AGAIN_MS);
  }
}

async function prepare(inputs: ProcessInputs, port: number): Promise<void> {
  for (const folder of [inputs.directory, ...inputs.data]) await makeDirectory(folder);
  await writeFiles(inputs.files, port);
}

/** A descriptor that appends to the log; its folder is made if missing. */
export async function openLog(path: string): Promise<number> {
  await makeDirectory(dirname(path));
  try {
    return openSync(path, "a", 0o600);
  } catch (error) {
    throw explain(`write the log ${path}`, error);
  }
}

/**
 * Writes the files, starts the process and waits until it is ready. When it is not, nothing of it is left
 * running, and the error ends with the last lines of its log.
 */
export async function startProcess(inputs: ProcessInputs, port: number): Promise<ProcessIdentity> {
  const { name, directory, stop } = inputs;
  await prepare(inputs, port);
  const log = await openLog(inputs.log);
  const logStart = fstatSync(log).size;
  const [child, identity] = await launch(inputs, port, log).finally(() => closeSync(log));
  try {
    await writeRecord(directory, name, { ...identity, port });
    const failure = await failureOf(inputs, child, port);
    if (failure === undefined) return identity;
    const tail = await lastLines(inputs.log, logStart, LOG_LINES_SHOWN);
    const said = tail === "" ? `it logged nothing to ${inputs.log}` : `the end of ${inputs.log}:\n${tail}`;
    throw new HostError(`${name} ${failure}; ${said}`);
  } catch (error) {
    await stopProcess(name, identity, stop);
    throw error;
  }
}
