import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pause } from "../../spawner/repeat.ts";
import { shortId } from "./container.ts";
import { EngineError } from "./run-command.ts";

/** What a container of the project did, or had done to it. */
export interface ContainerEvent {
  readonly type: "start" | "die" | "oom" | "kill";
  readonly id: string;
  readonly service: string;
  /** Of `die`. */
  readonly exitCode: number;
  /** Of `kill`: the signal's number. */
  readonly signal: number;
}

export interface EngineEventsOptions {
  readonly project: string;
  /** Of `dockerEnvironment`. */
  readonly env: NodeJS.ProcessEnv;
  readonly heard: (event: ContainerEvent) => void;
  /** The stream lasts; what happened before it began is not known. */
  readonly lasts: () => void;
  readonly failed: (error: unknown) => void;
}

const TYPES = ["start", "die", "oom", "kill"] as const;
const AGAIN_MS = 1_000;
/** Nothing else says that the engine answers, until there is an event. */
const LASTS_MS = 2_000;

interface Message {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Reads a line of `docker events`; `undefined`: not one of ours. */
export function parseEvent(line: string): ContainerEvent | undefined {
  const { Action, Actor } = JSON.parse(line) as Message;
  const type = TYPES.find((known) => known === Action);
  if (type === undefined) return undefined;
  const { exitCode = "0", signal = "0", "com.docker.compose.service": service = "" } = Actor.Attributes;
  return { type, id: shortId(Actor.ID), service, exitCode: Number(exitCode), signal: Number(signal) };
}

/** Follows the engine's events of one project until the signal, and begins again when the stream ends. */
export async function followEvents(options: EngineEventsOptions, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await followOnce(options, stop).catch(options.failed);
    await pause(AGAIN_MS, stop);
  }
}

async function followOnce(
  { project, env, heard, lasts }: EngineEventsOptions,
  stop: AbortSignal,
): Promise<void> {
  const labels = [`label=com.docker.compose.project=${project}`, "label=com.docker.compose.oneoff=False"];
  const filters = ["type=container", ...labels, ...TYPES.map((type) => `event=${type}`)];
  const words = ["events", "--format", "{{json .}}", ...filters.flatMap((filter) => ["--filter", filter])];
  const child: ChildProcess = spawn("docker", words, {
    env,
    stdio: ["ignore", "pipe", "pipe"],
    signal: stop,
  });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = `${said}${chunk}`.slice(-1_000);
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", (error) => (stop.aborted ? resolve() : reject(error)));
    child.once("close", () => resolve());
  });
  ended.catch(() => {});
  const timer = setTimeout(lasts, LASTS_MS);
  try {
    if (child.stdout !== null)
      for await (const line of createInterface({ input: child.stdout })) {
        const event = parseEvent(line);
        if (event !== undefined) heard(event);
      }
    await ended;
  } finally {
    clearTimeout(timer);
  }
  if (!stop.aborted) throw new EngineError(`docker events ended: ${said.trim() || "the engine closed it"}`);
}
