import { type sendUnaryData, status } from "@grpc/grpc-js";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { ProgramInfo } from "@pulumi/pulumi/proto/language_pb.js";
import language from "@pulumi/pulumi/proto/language_pb.js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { serveInstall, servePlugin } from "./child-streams.ts";
import { type InstalledPackage, installedPackages, pluginOf, programDependencies } from "./packages.ts";
import { runProgram } from "./run-program.ts";

/** Answers with `work`'s message, or with its error's own text. */
function answer<T>(callback: sendUnaryData<T>, work: () => T | Promise<T>): void {
  Promise.resolve()
    .then(work)
    .then(
      (message) => callback(null, message),
      (error: unknown) =>
        callback({
          code: status.INTERNAL,
          details: error instanceof Error ? error.message : String(error),
        }),
    );
}

function programDirectory(info: ProgramInfo | undefined): string {
  if (info === undefined) throw new Error("the request has no program info");
  return info.getProgramDirectory();
}

function packageDependencies(packages: readonly InstalledPackage[]) {
  return packages.flatMap((installed) => {
    const found = pluginOf(installed);
    if (found === undefined) return [];
    const dependency = new plugin.PackageDependency();
    dependency.setName(found.name);
    dependency.setKind("resource");
    dependency.setVersion(found.version);
    dependency.setServer(found.server);
    return [dependency];
  });
}

type ServedCall =
  | "handshake"
  | "getPluginInfo"
  | "getRequiredPackages"
  | "run"
  | "runPlugin"
  | "installDependencies"
  | "runtimeOptionsPrompts"
  | "about"
  | "getProgramDependencies"
  | "cancel";

/** The calls that `pulumi` makes of a language host to preview, update, inspect and extend a program; others are refused as unimplemented. */
export const languageRuntime: Pick<ILanguageRuntimeServer, ServedCall> = {
  handshake: (_call, callback) => answer(callback, () => new language.LanguageHandshakeResponse()),

  getPluginInfo: (_call, callback) =>
    answer(callback, () => {
      const info = new plugin.PluginInfo();
      info.setVersion("1.0.0");
      return info;
    }),

  getRequiredPackages: (call, callback) =>
    answer(callback, () => {
      const response = new language.GetRequiredPackagesResponse();
      const packages = installedPackages(programDirectory(call.request.getInfo()));
      response.setPackagesList(packageDependencies(packages));
      return response;
    }),

  run: (call, callback) => answer(callback, () => runProgram(call.request)),

  runPlugin: servePlugin,

  installDependencies: serveInstall,

  runtimeOptionsPrompts: (_call, callback) => answer(callback, () => new language.RuntimeOptionsResponse()),

  about: (_call, callback) =>
    answer(callback, () => {
      const response = new language.AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      return response;
    }),

  getProgramDependencies: (call, callback) =>
    answer(callback, () => {
      const response = new language.GetProgramDependenciesResponse();
      const transitive = call.request.getTransitivedependencies();
      const dependencies = programDependencies(programDirectory(call.request.getInfo()), transitive);
      response.setDependenciesList(
        dependencies.map(({ name, version }) => {
          const info = new language.DependencyInfo();
          info.setName(name);
          info.setVersion(version);
          return info;
        }),
      );
      return response;
    }),

  cancel: (_call, callback) => answer(callback, () => new empty.Empty()),
};
