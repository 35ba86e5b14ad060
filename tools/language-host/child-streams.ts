import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import type {
  InstallDependenciesRequest,
  InstallDependenciesResponse,
  RunPluginRequest,
  RunPluginResponse,
} from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import { runnerPath, runtimeEnvironment, runtimeOptions } from "./run-program.ts";

interface OutputResponse {
  setStdout(value: Uint8Array): unknown;
  setStderr(value: Uint8Array): unknown;
}

/** Copies a child's output to the call as it comes, and answers with its exit code (1 after a signal). */
async function forward<Request, Response extends OutputResponse>(
  child: ChildProcess,
  call: ServerWritableStream<Request, Response>,
  create: () => Response,
): Promise<number> {
  const send = (set: (response: Response, chunk: Uint8Array) => void) => (chunk: Uint8Array) => {
    const response = create();
    set(response, chunk);
    call.write(response);
  };
  child.stdout?.on(
    "data",
    send((response, chunk) => response.setStdout(chunk)),
  );
  child.stderr?.on(
    "data",
    send((response, chunk) => response.setStderr(chunk)),
  );
  const [code] = (await once(child, "close")) as [number | null];
  return code ?? 1;
}

function fail(call: ServerWritableStream<unknown, unknown>, error: unknown): void {
  const details = error instanceof Error ? error.message : String(error);
  call.emit("error", { code: status.INTERNAL, details });
}

function pairs(environment: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    environment.map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

async function plugin(call: ServerWritableStream<RunPluginRequest, RunPluginResponse>): Promise<void> {
  const info = call.request.getInfo();
  if (info === undefined) throw new Error("the request to run a plugin has no program info");
  const directory = info.getProgramDirectory();
  const options = runtimeOptions(info.getOptions()?.toJavaScript() ?? {});
  const child = spawn(
    process.execPath,
    [...options.nodeArguments, runnerPath("run-plugin", directory), directory, ...call.request.getArgsList()],
    {
      // @pulumi/policy reads the pack's version from the package.json of its working directory.
      cwd: call.request.getKind() === "analyzer" ? directory : call.request.getPwd(),
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...pairs(call.request.getEnvList()), ...runtimeEnvironment(options) },
    },
  );
  // The engine ends a plugin by cancelling the call.
  call.on("cancelled", () => child.kill("SIGTERM"));
  const code = await forward(child, call, () => new language.RunPluginResponse());
  const response = new language.RunPluginResponse();
  response.setExitcode(code);
  call.write(response);
  call.end();
}

async function install(
  call: ServerWritableStream<InstallDependenciesRequest, InstallDependenciesResponse>,
): Promise<void> {
  const directory = call.request.getInfo()?.getProgramDirectory() ?? call.request.getDirectory();
  const child = spawn("npm", ["install"], { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  call.on("cancelled", () => child.kill("SIGTERM"));
  const code = await forward(child, call, () => new language.InstallDependenciesResponse());
  if (code !== 0) throw new Error(`npm install in ${directory} ended with code ${code}`);
  call.end();
}

/** Serves RunPlugin: a provider or policy pack written in TypeScript, until it ends or the engine cancels. */
export function servePlugin(call: ServerWritableStream<RunPluginRequest, RunPluginResponse>): void {
  plugin(call).catch((error: unknown) => fail(call, error));
}

/** Serves InstallDependencies with `npm install` in the program's folder. */
export function serveInstall(
  call: ServerWritableStream<InstallDependenciesRequest, InstallDependenciesResponse>,
): void {
  install(call).catch((error: unknown) => fail(call, error));
}
