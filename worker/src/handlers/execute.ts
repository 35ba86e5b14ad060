/**
 * The bundled kind `execute`: runs a program on given bytes, in a fresh scratch folder, with a clean
 * environment, a time limit and capped output; where the payload says `untrusted`, or the fleet `always`, in the
 * worker's sandbox. Any other program runs as the worker's user.
 */
import type { Static } from "typebox";
import type { FailureReason } from "../../contract/records.ts";
import { defineHandler, PermanentError, type TaskContext, Type } from "../handler.ts";
import {
  type Sandbox,
  type SandboxEnd,
  type SandboxLimits,
  SandboxStartError,
  type SandboxStop,
} from "../ports/sandbox.ts";
import { DEFAULT_OUTPUT_BYTES, encodeBytes, MAX_OUTPUT_BYTES } from "./execute/bounded-output.ts";
import { DEFAULT_LIMITS, payloadLimits } from "./execute/payload-limits.ts";
import { runProgram } from "./execute/run-program.ts";
import { withScratchFolder } from "./execute/scratch-folder.ts";

/** Share of the grace after which a program is killed, so that its output can still be recorded. */
const KILL_SHARE = 0.8;

const lowered = (what: string) =>
  Type.Optional(
    Type.Integer({
      minimum: 1,
      description: `${what} in the sandbox; at most, and by default, the fleet's.`,
    }),
  );

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
      Type.Boolean({ description: "Runs it in the worker's sandbox; refused where the worker has none." }),
    ),
    processes: lowered("Most processes and threads"),
    memoryBytes: lowered("Most memory"),
    cpuMs: lowered("Most processor time in ms"),
    diskBytes: lowered("Most bytes on disk"),
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

const SANDBOX_FIELDS = ["processes", "memoryBytes", "cpuMs", "diskBytes"] as const;

function check(payload: ExecutePayload, inSandbox: boolean): [string, ...string[]] {
  const { command, environment } = payload;
  const stray = SANDBOX_FIELDS.find((field) => payload[field] !== undefined);
  if (!inSandbox && stray !== undefined)
    refuse(`${stray} is a limit of the sandbox; set untrusted to true with it, or leave it out`);
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

function output(end: SandboxEnd): ExecuteOutput {
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
  if (error instanceof SandboxStartError && error.step !== "exec") return error;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (error instanceof SandboxStartError && code === "EACCES")
    return new PermanentError(
      `execute: the program "${program}" may not be executed in the sandbox, which holds the system's programs ` +
        "and the folders of TASKFLEET_EXECUTE_READABLE",
      { reason: "denied", cause: error },
    );
  const explained = STARTS[code];
  if (explained === undefined) return error;
  return new PermanentError(`execute: the program "${program}" ${explained}`, { cause: error });
}

const STOPS: Readonly<Record<SandboxStop, { readonly reason: FailureReason; readonly message: string }>> = {
  timeout: { reason: "timeout", message: "the program ran out of its time and was ended" },
  output: { reason: "output", message: "the program printed or wrote more than it may and was ended" },
  cpu: { reason: "cpu", message: "the program used up its processor time and was ended" },
  memory: { reason: "memory", message: "the program used more memory than it may and was ended" },
  processes: { reason: "processes", message: "the program had more processes than it may and was ended" },
  denied: { reason: "denied", message: "the program did what the sandbox forbids and was ended" },
  aborted: { reason: "cancelled", message: "the program was ended" },
};

function judge(end: SandboxEnd, context: TaskContext): ExecuteOutput {
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

/** What a worker brings along for programs. */
export interface ExecuteOptions {
  /** Why there is none, in words, where there is none. */
  readonly sandbox: Sandbox | string;
  /** Whether all programs run in it, or those whose payload says `untrusted`. */
  readonly always: boolean;
  /** Limits of sandboxed programs. */
  readonly limits: SandboxLimits;
}

interface Prepared {
  readonly command: [string, ...string[]];
  readonly stdin: Buffer;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

type Runner = (program: Prepared) => Promise<SandboxEnd>;

function plain(payload: ExecutePayload): Runner {
  const maxOutputBytes = payload.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
  return (program) => {
    const environment = cleanEnvironment(program.folder, program.environment);
    return runProgram({ ...program, environment, maxOutputBytes, timeoutMs: payload.timeoutMs ?? 0 });
  };
}

/** Refuses what the sandbox cannot give, before anything starts. */
function sandboxed(payload: ExecutePayload, { sandbox, always, limits: most }: ExecuteOptions): Runner {
  if (typeof sandbox === "string") {
    const asked = always ? "every program needs a sandbox here" : "untrusted is true";
    const message = `execute: ${asked}, but this worker has none: ${sandbox}`;
    throw new PermanentError(message, { reason: "denied" });
  }
  const limits = payloadLimits(payload, most);
  if (typeof limits === "string") refuse(limits);
  return (program) => sandbox.run({ ...program, limits });
}

/** The handler as a worker has it; other roles know it by `executeHandler`. */
export function createExecuteHandler(options: ExecuteOptions) {
  return defineHandler({
    kind: "execute",
    version: "1.1.0",
    description: "Runs a program on given bytes and returns what it prints.",
    payload: Payload,
    run: async (payload, context): Promise<ExecuteOutput> => {
      const inSandbox = payload.untrusted === true || options.always;
      const command = check(payload, inSandbox);
      const stdin = inputBytes(payload);
      const run = inSandbox ? sandboxed(payload, options) : plain(payload);
      const onLeft = (folder: string, error: unknown) =>
        context.log("scratch_folder_left", { folder, exception: String(error) });
      return withScratchFolder(async (folder) => {
        const { signal, graceMs } = context;
        const { traceparent } = context;
        // As OpenTelemetry's tools read it; a program that nobody vouches for is told nothing.
        const own = inSandbox || traceparent === undefined ? {} : { TRACEPARENT: traceparent };
        const environment = { ...own, ...payload.environment };
        const program = { command, stdin, folder, environment, graceMs: graceMs * KILL_SHARE, signal };
        const end = await run(program).catch((error: unknown) => {
          throw startError(command[0], error);
        });
        return judge(end, context);
      }, onLeft);
    },
  });
}

/** The handler of roles that run no tasks, and of workers without a sandbox. */
export const executeHandler = createExecuteHandler({
  sandbox: "it was started without one",
  always: false,
  limits: DEFAULT_LIMITS,
});
