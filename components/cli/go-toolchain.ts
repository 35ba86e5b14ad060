import { findOnPath } from "../find-on-path.ts";
import { runCommand } from "./run-command.ts";

/** Why Go cannot build the module in `folder`, in words, or `undefined` when it can. */
export async function goProblem(folder: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  if (findOnPath("go", environment.PATH ?? "") === undefined) return "go is not on PATH";
  // Asked in the module's folder, where a Go that may fetch newer toolchains does so.
  const { code, tail } = await runCommand(["go", "env", "GOVERSION"], { cwd: folder, env: environment });
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(tail) ?? [];
  const serves = code === 0 && (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 26));
  return serves ? undefined : `go on PATH is not new enough (${tail.trim()})`;
}
