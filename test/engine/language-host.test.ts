import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { InstallDependenciesResponse, RunPluginResponse } from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { PATHS } from "../../components/paths.ts";
import { waitFor } from "../support/wait.ts";

/** A unary call as a promise. */
function ask<Response>(
  call: (callback: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> {
  return new Promise((resolve, reject) =>
    call((error, response) => (error === null ? resolve(response) : reject(error))),
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe("the Node.js language host", () => {
  let folder: string;
  let host: ChildProcess;
  let client: LanguageRuntimeClient;

  before(async () => {
    const main = join(PATHS.root, "tools/language-host/main.ts");
    host = spawn(PATHS.node, [main, "127.0.0.1:1"], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(host.stdout);
    const [port] = await once(createInterface({ input: host.stdout }), "line");
    assert.match(port, /^\d+$/);
    client = new LanguageRuntimeClient(`127.0.0.1:${port}`, credentials.createInsecure());
  });

  after(() => {
    client.close();
    host.kill("SIGKILL");
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-host-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function programInfo() {
    const info = new language.ProgramInfo();
    info.setRootDirectory(folder);
    info.setProgramDirectory(folder);
    info.setEntryPoint(".");
    return info;
  }

  function installPackage(path: string, manifest: object): void {
    const target = join(folder, path);
    mkdirSync(target, { recursive: true });
    writeFileSync(join(target, "package.json"), JSON.stringify(manifest));
  }

  /** A program that depends on a plain package, which has a nested one, and on two providers' packages. */
  function installPackages(): void {
    installPackage(".", { name: "program", dependencies: { plain: "^1.0.0", "@pulumi/cloud": "*" } });
    installPackage("node_modules/plain", { name: "plain", version: "1.2.3" });
    installPackage("node_modules/plain/node_modules/inner", { name: "inner", version: "0.1.0" });
    const cloud = { name: "@pulumi/cloud", version: "7.1.0", pulumi: { resource: true } };
    installPackage("node_modules/@pulumi/cloud", cloud);
    const pulumi = { resource: true, name: "renamed", version: "2.0.0", server: "https://plugins.example" };
    installPackage("node_modules/other", { name: "other", version: "9.9.9", pulumi });
  }

  it("answers a handshake and a cancel, and says its version", async () => {
    await ask((callback) => client.handshake(new language.LanguageHandshakeRequest(), callback));
    await ask((callback) => client.cancel(new empty.Empty(), callback));
    const info = await ask<{ getVersion(): string }>((callback) =>
      client.getPluginInfo(new empty.Empty(), callback),
    );
    assert.equal(info.getVersion(), "1.0.0");
  });

  it("about: the Node that runs programs", async () => {
    const response = await ask<InstanceType<typeof language.AboutResponse>>((callback) =>
      client.about(new language.AboutRequest(), callback),
    );
    assert.match(response.getVersion(), /^v24\./);
    assert.match(response.getExecutable(), /\/node$/);
  });

  it("getRequiredPackages: the plugins of installed provider packages, with their own names", async () => {
    installPackages();
    const request = new language.GetRequiredPackagesRequest();
    request.setInfo(programInfo());
    const response = await ask<InstanceType<typeof language.GetRequiredPackagesResponse>>((callback) =>
      client.getRequiredPackages(request, callback),
    );
    const found = response.getPackagesList().map((each) => each.toObject());
    assert.deepEqual(
      found.map(({ name, kind, version, server }) => [name, kind, version, server]),
      [
        ["cloud", "resource", "7.1.0", ""],
        ["renamed", "resource", "2.0.0", "https://plugins.example"],
      ],
    );
  });

  it("getRequiredPackages: none where nothing is installed", async () => {
    const request = new language.GetRequiredPackagesRequest();
    request.setInfo(programInfo());
    const response = await ask<InstanceType<typeof language.GetRequiredPackagesResponse>>((callback) =>
      client.getRequiredPackages(request, callback),
    );
    assert.deepEqual(response.getPackagesList(), []);
  });

  async function dependencies(transitive: boolean): Promise<readonly string[]> {
    const request = new language.GetProgramDependenciesRequest();
    request.setInfo(programInfo());
    request.setTransitivedependencies(transitive);
    const response = await ask<InstanceType<typeof language.GetProgramDependenciesResponse>>((callback) =>
      client.getProgramDependencies(request, callback),
    );
    return response.getDependenciesList().map((each) => `${each.getName()} ${each.getVersion()}`);
  }

  it("getProgramDependencies: those that the program names, or all, in their installed versions", async () => {
    installPackages();
    assert.deepEqual(await dependencies(false), ["plain 1.2.3", "@pulumi/cloud 7.1.0"]);
    assert.deepEqual([...(await dependencies(true))].sort(), [
      "@pulumi/cloud 7.1.0",
      "inner 0.1.0",
      "other 9.9.9",
      "plain 1.2.3",
    ]);
  });

  it("runtimeOptionsPrompts: asks nothing", async () => {
    const response = await ask<InstanceType<typeof language.RuntimeOptionsResponse>>((callback) =>
      client.runtimeOptionsPrompts(new language.RuntimeOptionsRequest(), callback),
    );
    assert.deepEqual(response.getPromptsList(), []);
  });

  it("run: an error keeps its text, and the way out", async () => {
    const request = new language.RunRequest();
    request.setPwd(folder);
    request.setInfo(programInfo());
    await assert.rejects(
      ask((callback) => client.run(request, callback)),
      {
        code: status.INTERNAL,
        details: `@pulumi/pulumi is not installed for ${folder}: run npm ci in its project`,
      },
    );
  });

  /** Reads a stream of output to its end: what came on stdout, on stderr, and the exit code. */
  async function drain(stream: ReturnType<LanguageRuntimeClient["runPlugin"]>) {
    let stdout = "";
    let stderr = "";
    let exitCode: number | undefined;
    for await (const part of stream as AsyncIterable<RunPluginResponse>) {
      stdout += Buffer.from(part.getStdout_asU8()).toString();
      stderr += Buffer.from(part.getStderr_asU8()).toString();
      if (part.getOutputCase() === language.RunPluginResponse.OutputCase.EXITCODE)
        exitCode = part.getExitcode();
    }
    return { stdout, stderr, exitCode };
  }

  function pluginRequest(entry: string) {
    symlinkSync(PATHS.nodeModules, join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), '{"name": "sample", "main": "entry.cjs"}');
    writeFileSync(join(folder, "entry.cjs"), entry);
    const request = new language.RunPluginRequest();
    request.setPwd(folder);
    request.setInfo(programInfo());
    request.setArgsList(["127.0.0.1:1"]);
    request.setEnvList([`PATH=${process.env.PATH}`, "GREETING=a=b"]);
    return request;
  }

  it("runPlugin: passes on arguments, environment, both outputs and the exit code", async () => {
    const entry = `console.log(process.argv.at(-1), process.env.GREETING, process.env.HOME);
      console.error("on stderr"); process.exitCode = 7;`;
    const result = await drain(client.runPlugin(pluginRequest(entry)));
    assert.deepEqual(result, { stdout: "127.0.0.1:1 a=b undefined\n", stderr: "on stderr\n", exitCode: 7 });
  });

  it("runPlugin: a cancelled call ends the plugin", async () => {
    const entry = "console.log(process.pid); setInterval(() => {}, 1000);";
    const stream = client.runPlugin(pluginRequest(entry));
    stream.on("error", () => {});
    const [first] = (await once(stream, "data")) as [RunPluginResponse];
    const pid = Number(Buffer.from(first.getStdout_asU8()).toString());
    stream.cancel();
    await waitFor("the plugin has ended", () => !isAlive(pid));
  });

  it("installDependencies: npm's output, and its failure as an error", async () => {
    installPackage(".", { name: "program", version: "1.0.0" });
    const request = new language.InstallDependenciesRequest();
    request.setInfo(programInfo());
    let output = "";
    for await (const part of client.installDependencies(
      request,
    ) as AsyncIterable<InstallDependenciesResponse>)
      output += Buffer.from(part.getStdout_asU8()).toString();
    assert.match(output, /up to date/);
    writeFileSync(join(folder, "package.json"), "{ not JSON");
    const failing = async () => {
      for await (const _part of client.installDependencies(request));
    };
    await assert.rejects(failing, { details: `npm install in ${folder} ended with code 1` });
  });

  it("refuses what it does not serve as unimplemented", async () => {
    const refused = ask((callback) =>
      client.generateProject(new language.GenerateProjectRequest(), callback),
    );
    await assert.rejects(refused, { code: status.UNIMPLEMENTED });
  });
});
