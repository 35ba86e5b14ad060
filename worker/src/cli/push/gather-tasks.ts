import { EXIT } from "../../../contract/exit-codes.ts";
import { shorten } from "../../core/errors.ts";
import { parseJson } from "../input/parse-json.ts";
import { readInput } from "../input/read-input.ts";
import { formatOf, type ReadTask, readTaskFile, type TaskFile } from "../input/task-file.ts";
import type { PushOptions } from "../push.ts";
import { CliError } from "../report-error.ts";

/** Tasks to push and where they came from. */
export interface Gathered extends TaskFile {
  /** The file's name for messages; empty for a task that flags describe. */
  readonly source: string;
}

/** Reads what is to be pushed: a file of tasks, standard input, or one task that flags describe. */
export async function gatherTasks(
  kind: string | undefined,
  source: string | undefined,
  options: PushOptions,
): Promise<Gathered> {
  const fromStdin = kind === "-" || source === "-";
  if (source !== undefined && source !== "-")
    throw usage(
      `${shorten(source)} is one word too many`,
      "Give the payload with --payload or --payload-file.",
    );
  const file = options.file ?? (fromStdin ? "-" : undefined);
  const defaultKind = kind === "-" ? undefined : kind;
  if (file !== undefined) return gatherFile(file, defaultKind, options);
  if (defaultKind === undefined)
    throw usage("say what to push", "KIND with flags, -f FILE, or - for standard input; see --help.");
  return { source: "", tasks: [await flagTask(defaultKind, options)], problems: [] };
}

const FLAGS_OF_ONE = [
  "payload",
  "payloadFile",
  "id",
  "idempotencyKey",
  "delay",
  "timeout",
  "maxAttempts",
  "priority",
  "agent",
] as const;

async function gatherFile(file: string, kind: string | undefined, options: PushOptions): Promise<Gathered> {
  const flag = FLAGS_OF_ONE.find((name) => options[name] !== undefined);
  if (flag !== undefined) {
    const word = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usage(
      `--${word} does not go with a file of tasks`,
      "Each task of a file has its own fields; see --help.",
    );
  }
  const text = (await readInput(file)).toString("utf8");
  const source = file === "-" ? "standard input" : file;
  return { source, ...readTaskFile(text, formatOf(file), kind) };
}

async function flagTask(kind: string, options: PushOptions): Promise<ReadTask> {
  const { payload, payloadFile, delay, timeout, maxAttempts, priority, agent } = options;
  if (payload !== undefined && payloadFile !== undefined)
    throw usage("--payload and --payload-file are both given", "Leave one of them out.");
  if (options.id !== undefined && options.idempotencyKey !== undefined)
    throw usage("--id and --idempotency-key are both given", "They mean the same: leave one of them out.");
  const id = options.id ?? options.idempotencyKey;
  const text = payloadFile === undefined ? payload : (await readInput(payloadFile)).toString("utf8");
  const task = {
    kind,
    payload: text === undefined ? {} : parsePayload(text),
    ...(id === undefined ? {} : { id }),
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(maxAttempts === undefined ? {} : { maxAttempts }),
    ...(priority === undefined ? {} : { priority }),
    ...(agent === undefined ? {} : { agentId: agent }),
  };
  return { place: "", task };
}

function parsePayload(text: string): unknown {
  const parsed = parseJson(text);
  if (parsed.problem === undefined) return parsed.value;
  throw usage(`payload: ${parsed.problem}`, 'Quote it for the shell: --payload \'{"text": "one two"}\'.');
}

function usage(message: string, hint: string): CliError {
  return new CliError(message, EXIT.usage, hint);
}
