/**
 * The bundled kind `execute`: runs a program on given bytes, in a fresh scratch folder, with a clean
 * environment, a time limit and capped output. It is no sandbox: the program runs as the worker's user.
 */
import type { Static } from "typebox";
import type { FailureReason } from "../../contract/records.ts";
import { defineHandler, PermanentError, type TaskContext, Type } from "../handler.ts";
import { DEFAULT_OUTPUT_BYTES, encodeBytes, MAX_OUTPUT_BYTES } from "./execute/bounded-output.ts";
import { type ProgramEnd, runProgram, type Stop } from "./execute/run-program.ts";
import { withScratchFolder } from "./execute/scratch-folder.ts";

/** Share of the grace after which a program is killed, so that its output can still be recorded. */
const KILL_SHARE = 0.8;

const Payload = Type.Object(
  {
    command: Type.Array(Type.String(), { minItems: 1, description: "Program and arguments; no shell." }),
    stdin: Type.Optional(Type.String({ description: "Standard input, as text." })),
    stdinBase64: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9+/]*={0,2}$",
        description: "Standard input, as base64 of the bytes.",
      }),
    ),
    environment: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: "Variables beside PATH, HOME, TMPDIR and the locale.",
      }),
    ),
    timeoutMs: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2_147_483_647,
        description: "Wall-clock limit in ms; default: the task's.",
      }),
    ),
    maxOutputBytes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: MAX_OUTPUT_BYTES,
        description: "Most bytes of standard output and standard error together; default 1 MiB.",
      }),
    ),
    untrusted: Type.Optional(
      Type.Boolean({ description: "Asks for a sandbox; refused as long as the worker has none." }),
    ),
  },
  { additionalProperties: false },
);

type ExecutePayload = Static<typeof Payload>;

/** The output of an `execute` task, also of a failed one. */
export interface ExecuteOutput {
  /** `null` when a signal ended the program. */
  readonly exitCode: number | null;
  readonly signal?: string;
  readonly stdout: string;
  readonly stdoutEncoding: "utf8" | "base64";
  readonly stderr: string;
  readonly stderrEncoding: "utf8" | "base64";
  /** Whether output beyond the cap was dropped. */
  readonly truncated: boolean;
}

function refuse(message: string): never {
  throw new PermanentError(`execute: ${message}`, { reason: "payload" });
}

function inputBytes({ stdin, stdinBase64 }: ExecutePayload): Buffer {
  if (stdin !== undefined && stdinBase64 !== undefined) {
    refuse("stdin and stdinBase64 are both given; leave one out");
  }
  return stdinBase64 === undefined ? Buffer.from(stdin ?? "", "utf8") : Buffer.from(stdinBase64, "base64");
}

function check({ command, environment, untrusted }: ExecutePayload): [string, ...string[]] {
  if (untrusted === true) {
    refuse(
      "untrusted is true, but this worker has no sandbox; push only programs that you trust, without it",
    );
  }
  const texts = [...command, ...Object.entries(environment ?? {}).flat()];
  if (texts.some((text) => text.includes("\0"))) refuse("command or environment holds a NUL character");
  const [program, ...args] = command;
  if (program === undefined || program === "") refuse('command[0] is ""; it must name a program');
  return [program, ...args];
}

function cleanEnvironment(folder: string, given: Readonly<Record<string, string>>): Record<string, string> {
  const path = process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin";
  return { PATH: path, HOME: folder, TMPDIR: folder, LANG: "C.UTF-8", LC_ALL: "C.UTF-8", ...given };
}

function output(end: ProgramEnd): ExecuteOutput {
  const [stdout, stderr] = [encodeBytes(end.stdout), encodeBytes(end.stderr)];
  return {
    exitCode: end.exitCode,
    ...(end.signal === null ? {} : { signal: end.signal }),
    stdout: stdout.text,
    stdoutEncoding: stdout.encoding,
    stderr: stderr.text,
    stderrEncoding: stderr.encoding,
    truncated: end.truncated,
  };
}

const STARTS: Readonly<Record<string, string>> = {
  ENOENT: "is not installed on the worker, or not on its PATH",
  EACCES: "may not be executed by the worker's user",
  ENOEXEC: "is no program that this machine can run",
  E2BIG: "cannot be started: its arguments and environment are too long",
};

/** Turns the system's refusal to start a program into an error; what may pass later is left retryable. */
function startError(program: string, error: unknown): unknown {
  const explained = STARTS[(error as NodeJS.ErrnoException).code ?? ""];
  if (explained === undefined) return error;
  return new PermanentError(`execute: the program "${program}" ${explained}`, { cause: error });
}

const STOPS: Readonly<Record<Stop, { readonly reason: FailureReason; readonly message: string }>> = {
  timeout: { reason: "timeout", message: "the program ran out of its time and was ended" },
  output: { reason: "output", message: "the program printed more than maxOutputBytes and was ended" },
  aborted: { reason: "cancelled", message: "the program was ended" },
};

function judge(end: ProgramEnd, context: TaskContext): ExecuteOutput {
  const kept = output(end);
  if (end.stop !== null) {
    const stop = end.stop === "aborted" && context.signal.reason === "timeout" ? "timeout" : end.stop;
    const { reason, message } = STOPS[stop];
    throw new PermanentError(`execute: ${message}`, { reason, output: kept });
  }
  if (end.exitCode === 0) return kept;
  const how = end.exitCode === null ? `was ended by ${end.signal}` : `exited with status ${end.exitCode}`;
  throw new PermanentError(`execute: the program ${how}`, { reason: "exit", output: kept });
}

export const executeHandler = defineHandler({
  kind: "execute",
  version: "1.0.0",
  description: "Runs a program on given bytes and returns what it prints.",
  payload: Payload,
  run: async (payload, context): Promise<ExecuteOutput> => {
    const command = check(payload);
    const stdin = inputBytes(payload);
    const onLeft = (folder: string, error: unknown) =>
      context.log("scratch_folder_left", { folder, exception: String(error) });
    return withScratchFolder(async (folder) => {
      const end = await runProgram({
        command,
        stdin,
        folder,
        environment: cleanEnvironment(folder, payload.environment ?? {}),
        maxOutputBytes: payload.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES,
        timeoutMs: payload.timeoutMs ?? 0,
        graceMs: context.graceMs * KILL_SHARE,
        signal: context.signal,
      }).catch((error: unknown) => {
        throw startError(command[0], error);
      });
      return judge(end, context);
    }, onLeft);
  },
});
