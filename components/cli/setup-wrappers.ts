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
import { userPulumi } from "./environment.ts";
import { findOnPath } from "./find-on-path.ts";
import { shellQuote } from "./shell.ts";

/** A link or a script that should stand at `file`; `undefined` content: nothing should. */
interface Wrapper {
  readonly file: string;
  readonly content: { readonly link: string } | { readonly script: string } | undefined;
}

/** Options of `redis-cli` with a value, besides those that name a server: the value is not the command. */
const REDIS_CLI_OPTIONS = [
  ...[
    "-t",
    "-a",
    "-r",
    "-i",
    "-n",
    "-d",
    "-D",
    "-X",
    "--user",
    "--pass",
    "--eval",
    "--rdb",
    "--functions-rdb",
  ],
  ...["--sni", "--cacert", "--cacertdir", "--cert", "--key", "--tls-ciphers", "--tls-ciphersuites"],
  ...[
    "--pattern",
    "--quoted-pattern",
    "--count",
    "--cursor",
    "--memkeys-samples",
    "--keystats-samples",
    "--top",
  ],
  ...["--pipe-timeout", "--intrinsic-latency", "--lru-test", "--show-pushes"],
];

/**
 * `redis-cli` for the stack's server. A call that names a server itself is left alone, and gets the stack's
 * password only when that server is the stack's.
 */
function redisCliScript(): string {
  return `#!/bin/sh
# The real redis-cli, told where this stack's Redis is.
state=${shellQuote(PATHS.state)}
file=$state/\${TASKFLEET_STACK:-local}/client.env
IFS=:
for folder in $PATH; do
  if [ -x "$folder/redis-cli" ] && [ "$folder" != "$state/bin" ]; then
    real=$folder/redis-cli
    break
  fi
done
unset IFS
if [ -z "\${real:-}" ]; then
  echo "redis-cli: not installed (Debian: apt-get install redis-tools)" >&2
  exit 127
fi
named= host=127.0.0.1 port=6379 other= option=
for word; do
  if [ -n "$option" ]; then
    case $option in
      -h) host=$word ;;
      -p) port=$word ;;
      -u | -s) other=$word ;;
    esac
    option=
    continue
  fi
  case $word in
    -h | -p | -u | -s) named=yes option=$word ;;
    --cluster)
      named=yes other=cluster
      break
      ;;
    ${REDIS_CLI_OPTIONS.join(" | ")}) option=$word ;;
    -*) ;;
    *) break ;;
  esac
done
if [ ! -r "$file" ]; then
  [ -z "$named" ] || exec "$real" "$@"
  echo "redis-cli: stack \${TASKFLEET_STACK:-local} is not up, so its Redis has no address: run ./taskfleet up" >&2
  exit 3
fi
url=$(sed -n 's/^REDIS_URL=//p' "$file")
secret=$(sed -n 's/^REDIS_PASSWORD_FILE=//p' "$file")
password=
[ -z "$secret" ] || [ ! -r "$secret" ] || password=$(cat "$secret")
if [ -n "$named" ] && [ "\${other:-redis://$host:$port}" != "$url" ]; then
  [ "\${REDISCLI_AUTH:-}" != "$password" ] || unset REDISCLI_AUTH
  exec "$real" "$@"
fi
if [ -z "\${REDISCLI_AUTH:-}" ] && [ -n "$password" ]; then
  REDISCLI_AUTH=$password
  export REDISCLI_AUTH
fi
[ -z "$named" ] || exec "$real" "$@"
address=\${url#*://}
address=\${address##*@}
address=\${address%%/*}
exec "$real" -h "\${address%:*}" -p "\${address##*:}" "$@"
`;
}

/** The Redis server's binary: Debian's package redis-tools carries it under the name redis-check-rdb. */
export function findRedisServer(environment: NodeJS.ProcessEnv): string | undefined {
  const path = environment.PATH ?? "";
  return findOnPath("redis-server", path, [PATHS.bin]) ?? findOnPath("redis-check-rdb", path, [PATHS.bin]);
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
    link("redis-server", findRedisServer(environment)),
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
