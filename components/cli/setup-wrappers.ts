import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { engineDirectory, PATHS } from "../paths.ts";
import { findRedisServer } from "../platform/redis-server.ts";
import { userPulumi } from "./environment.ts";
import { redisCliScript } from "./redis-cli-script.ts";

/** A link or a script that should stand at `file`; `undefined` content: nothing should. */
interface Wrapper {
  readonly file: string;
  readonly content: { readonly link: string } | { readonly script: string } | undefined;
}

function wrappers(environment: NodeJS.ProcessEnv): readonly Wrapper[] {
  const link = (name: string, target: string | undefined): Wrapper => ({
    file: join(PATHS.bin, name),
    content: target === undefined ? undefined : { link: target },
  });
  const engine = join(engineDirectory(), "pulumi");
  const ours = userPulumi(environment) === undefined && existsSync(engine);
  return [
    link("node", PATHS.node),
    link("taskfleet", PATHS.launcher),
    link("peagen", PATHS.launcher),
    // Its own name as argv[0] makes the binary a server.
    link("redis-server", findRedisServer(environment.PATH ?? "", [PATHS.bin])),
    link("pulumi", ours ? engine : undefined),
    { file: join(PATHS.bin, "redis-cli"), content: { script: redisCliScript() } },
  ];
}

function isCurrent({ file, content }: Wrapper): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (content === undefined || stat === undefined) return content === stat;
  if ("link" in content) return stat.isSymbolicLink() && readlinkSync(file) === content.link;
  return stat.isFile() && readFileSync(file, "utf8") === content.script;
}

function write({ file, content }: Wrapper): void {
  if (content === undefined) {
    rmSync(file, { force: true });
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  if ("link" in content) symlinkSync(content.link, fresh);
  else writeFileSync(fresh, content.script, { mode: 0o755 });
  renameSync(fresh, file);
}

/** Whether `.taskfleet/bin` holds exactly what this checkout and PATH call for. */
export function wrappersCurrent(environment: NodeJS.ProcessEnv): boolean {
  return wrappers(environment).every(isCurrent);
}

/** Writes the executables of `.taskfleet/bin` that are missing or out of date. */
export function writeWrappers(environment: NodeJS.ProcessEnv): void {
  for (const wrapper of wrappers(environment)) if (!isCurrent(wrapper)) write(wrapper);
}
