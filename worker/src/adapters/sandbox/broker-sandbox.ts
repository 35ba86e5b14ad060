import { connect, type Socket } from "node:net";
import { SETTINGS } from "../../../contract/settings.ts";
import { type BrokerEnd, type BrokerRequest, FRAMES, FrameReader } from "../../broker/protocol.ts";
import { BoundedOutput } from "../../handlers/execute/bounded-output.ts";
import {
  type Sandbox,
  type SandboxEnd,
  type SandboxedProgram,
  SandboxStartError,
  type SandboxStop,
} from "../../ports/sandbox.ts";

/** The broker's own clock comes first: a container takes its time to start and to go. */
const WALL_MARGIN_MS = 90_000;

function requestOf({ command, environment, limits, graceMs, stdin }: SandboxedProgram): BrokerRequest {
  const whole = Object.entries(limits).map(([name, value]) => [name, Math.ceil(value)] as const);
  return {
    version: 1,
    command,
    environment,
    limits: Object.fromEntries(whole) as unknown as BrokerRequest["limits"],
    graceMs: Math.ceil(graceMs),
    stdinBytes: stdin.length,
  };
}

/** One program's connection. */
class BrokerRun {
  readonly #program: SandboxedProgram;
  readonly #socket: Socket;
  readonly #output: BoundedOutput;
  #end: BrokerEnd | undefined;
  #stop: SandboxStop | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, program: SandboxedProgram) {
    this.#program = program;
    this.#output = new BoundedOutput(program.limits.outputBytes);
    this.#socket = connect({ path, allowHalfOpen: true });
  }

  async end(): Promise<SandboxEnd> {
    const { signal, stdin } = this.#program;
    const socket = this.#socket;
    // Closed on this side, the program gets SIGTERM, and the broker still tells how it ended.
    const aborted = () => {
      this.#stop ??= "aborted";
      socket.end();
    };
    const reader = new FrameReader((kind, content) => this.#hear(kind, content));
    socket.write(`${JSON.stringify(requestOf(this.#program))}\n`);
    socket.write(stdin);
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.on("data", (chunk: Buffer) => {
          try {
            reader.add(chunk);
          } catch (error) {
            reject(new SandboxStartError("broker", "", `it sends ${(error as Error).message}`));
          }
        });
        socket.once("error", (error: NodeJS.ErrnoException) =>
          // A broker that refuses a request may close before it has read all of it.
          this.#end === undefined
            ? reject(new SandboxStartError("broker", error.code ?? "", error.message))
            : resolve(),
        );
        socket.once("end", resolve).once("close", () => resolve());
      });
    } finally {
      clearTimeout(this.#timer);
      signal.removeEventListener("abort", aborted);
      socket.on("error", () => {});
      socket.destroy();
    }
    return this.#outcome();
  }

  #hear(kind: number, content: Buffer): void {
    if (kind === FRAMES.started) {
      const { timeoutMs } = this.#program.limits;
      const wait = Math.min(timeoutMs + this.#program.graceMs + WALL_MARGIN_MS, 2_147_483_647);
      this.#timer = setTimeout(() => {
        this.#stop ??= "timeout";
        this.#socket.destroy();
      }, wait);
    } else if (kind === FRAMES.ended) this.#end = JSON.parse(content.toString("utf8")) as BrokerEnd;
    else this.#output.add(kind === FRAMES.stdout ? "stdout" : "stderr", content);
  }

  #outcome(): SandboxEnd {
    const [stdout, stderr] = [this.#output.bytes("stdout"), this.#output.bytes("stderr")];
    const end = this.#end;
    if (end !== undefined && "failed" in end) {
      const { step, code, message } = end.failed;
      throw new SandboxStartError(step, code, message);
    }
    const stop = this.#stop ?? end?.stop ?? null;
    const printed = { stdout, stderr, truncated: this.#output.truncated || stop === "output" };
    if (end !== undefined) return { exitCode: end.exitCode, signal: end.signal, ...printed, stop };
    if (stop !== null) return { exitCode: null, signal: "SIGKILL", ...printed, stop };
    throw new SandboxStartError("broker", "", "it closed the connection without a word");
  }
}

/** The back end `broker`: containers of a broker on the host, by its socket alone. */
class BrokerSandbox implements Sandbox {
  readonly backEnd = "broker";
  readonly unenforced = [];
  readonly oneAtATime = false;
  readonly groups = true;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  run(program: SandboxedProgram): Promise<SandboxEnd> {
    return new BrokerRun(this.#path, program).end();
  }
}

/** The sandbox, or a text that says why there is none and what to do. */
export async function openBroker(path: string): Promise<Sandbox | string> {
  const { env } = SETTINGS.sandboxBroker;
  if (path === "") return `${env} is not set: it must name the socket of a running sandbox-broker`;
  const error = await new Promise<Error | undefined>((resolve) => {
    const socket = connect(path, () => {
      resolve(undefined);
      socket.destroy();
    });
    socket.once("error", resolve);
  });
  return error === undefined
    ? new BrokerSandbox(path)
    : `${env} is "${path}", where no broker answers (${error.message}): start sandbox-broker there, and let this user's ` +
        `group connect (${SETTINGS.brokerGroup.env})`;
}
