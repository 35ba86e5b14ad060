/** A process that runs `execute` tasks as a worker does: one JSON request a line in, one JSON answer a line out. */
import { createInterface } from "node:readline";
import { openSandbox, type SandboxOptions } from "../../../worker/src/adapters/sandbox/open-sandbox.ts";
import { PermanentError } from "../../../worker/src/handler.ts";
import { DEFAULT_LIMITS } from "../../../worker/src/handlers/execute/payload-limits.ts";
import { createExecuteHandler } from "../../../worker/src/handlers/execute.ts";

const options = JSON.parse(process.argv[2] ?? "") as SandboxOptions;
const sandbox = await openSandbox(options);
const handler = createExecuteHandler({ sandbox, always: false, limits: DEFAULT_LIMITS });
const say = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`);

say(
  typeof sandbox === "string"
    ? { refused: sandbox }
    : { backEnd: sandbox.backEnd, unenforced: sandbox.unenforced, oneAtATime: sandbox.oneAtATime },
);

type Payload = Parameters<typeof handler.run>[0];
const controllers = new Map<number, AbortController>();

async function run(id: number, payload: Payload): Promise<void> {
  const controller = new AbortController();
  controllers.set(id, controller);
  const context = {
    taskId: String(id),
    kind: "execute",
    attempt: 1,
    graceMs: 200,
    signal: controller.signal,
    secret: () => "",
    circuit: () => {
      throw new Error("a program calls no service");
    },
    progress() {},
    log(event: string, fields?: object) {
      process.stderr.write(`${JSON.stringify({ event, ...fields })}\n`);
    },
  };
  try {
    say({ id, output: await handler.run(payload, context) });
  } catch (error) {
    const permanent = error instanceof PermanentError;
    const { reason, output } = permanent ? error : { reason: null, output: null };
    say({ id, reason, message: (error as Error).message, failedOutput: output });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as { id: number; payload?: Payload; abort?: string };
  if (request.payload !== undefined) void run(request.id, request.payload);
  else controllers.get(request.id)?.abort(request.abort);
}
