import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { RunRequest, RunResponse } from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";

/** With this code the Node runner says that it has shown the error itself: the engine need not add to it. */
const ALREADY_REPORTED = 32;

/** The runtime options of `Pulumi.yaml` (or `PulumiPlugin.yaml`) that this host serves. */
export interface RuntimeOptions {
  /** Compile with ts-node; `false` leaves TypeScript to Node's own type stripping. */
  readonly typescript: boolean;
  /** Extra arguments for `node`. */
  readonly nodeArguments: readonly string[];
  /** A `tsconfig.json` for ts-node, or `undefined`. */
  readonly tsconfig: string | undefined;
}

export function runtimeOptions(options: Readonly<Record<string, unknown>>): RuntimeOptions {
  const { typescript, nodeargs, tsconfig } = options;
  return {
    typescript: typescript !== false && typescript !== "false",
    nodeArguments: typeof nodeargs === "string" ? nodeargs.split(/\s+/).filter((word) => word !== "") : [],
    tsconfig: typeof tsconfig === "string" ? tsconfig : undefined,
  };
}

/** The path of one of `@pulumi/pulumi`'s runners (`run`, `run-plugin`), in the program's own copy of it. */
export function runnerPath(runner: "run" | "run-plugin", directory: string): string {
  try {
    return createRequire(join(directory, "package.json")).resolve(`@pulumi/pulumi/cmd/${runner}`);
  } catch {
    throw new Error(`@pulumi/pulumi is not installed for ${directory}: run npm ci in its project`);
  }
}

/** The environment in which the runner sees its runtime options. */
export function runtimeEnvironment(options: RuntimeOptions): Readonly<Record<string, string>> {
  return {
    PULUMI_NODEJS_TYPESCRIPT: String(options.typescript),
    ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}

function runnerArguments(request: RunRequest, engineAddress: string): readonly string[] {
  const flags: readonly (readonly [string, string])[] = [
    ["--monitor", request.getMonitorAddress()],
    ["--engine", engineAddress],
    ["--organization", request.getOrganization()],
    ["--project", request.getProject()],
    ["--root-directory", request.getInfo()?.getRootDirectory() ?? ""],
    ["--stack", request.getStack()],
    ["--pwd", request.getPwd()],
    ["--parallel", String(request.getParallel())],
  ];
  const entry = request.getInfo()?.getEntryPoint() ?? request.getProgram();
  return [
    ...flags.flatMap(([flag, value]) => (value === "" ? [] : [flag, value])),
    ...(request.getDryrun() ? ["--dry-run"] : []),
    entry,
    ...request.getArgsList(),
  ];
}

/** Runs the Pulumi program once; a program that failed after it showed its error answers `bail`. */
export async function runProgram(request: RunRequest): Promise<RunResponse> {
  const engineAddress = process.argv.at(-1) ?? "";
  const options = runtimeOptions(request.getInfo()?.getOptions()?.toJavaScript() ?? {});
  const runner = runnerPath("run", request.getInfo()?.getProgramDirectory() ?? request.getPwd());
  const config = Object.fromEntries(request.getConfigMap().toArray());
  const child = spawn(
    process.execPath,
    [...options.nodeArguments, runner, ...runnerArguments(request, engineAddress)],
    {
      cwd: request.getPwd(),
      stdio: ["ignore", "inherit", "inherit"],
      env: {
        ...process.env,
        ...runtimeEnvironment(options),
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
      },
    },
  );
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const response = new language.RunResponse();
  if (code === ALREADY_REPORTED) response.setBail(true);
  else if (code !== 0)
    response.setError(`the program ended with ${signal === null ? `code ${code}` : `signal ${signal}`}`);
  return response;
}
