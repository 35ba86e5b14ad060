import { shellQuote } from "../shell-quote.ts";

/** The superuser of a cluster that a stack starts. */
export const POSTGRES_ADMIN = "taskfleet_admin";

/** What one PostgreSQL server is started with. */
export interface PostgresConfig {
  /** Text, so that a port that is only found at the start can be filled in by the host. */
  readonly port: string;
  /** The folder of `postgres` and `initdb`. */
  readonly programs: string;
  /** The server's own folder: the cluster's data is `data` in it. */
  readonly directory: string;
  /** Holds the superuser's password, on one line. */
  readonly passwordFile: string;
}

/** With a password, and every commit on the disk. TLS is off: whoever reaches it is on this machine. */
export function serverOptions(port: string, addresses: "127.0.0.1" | "0.0.0.0"): readonly string[] {
  const parameters = {
    port,
    listen_addresses: addresses,
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
    max_connections: 100,
    shared_buffers: "128MB",
    fsync: "on",
    synchronous_commit: "on",
    log_destination: "stderr",
    logging_collector: "off",
  };
  return Object.entries(parameters).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/**
 * Run by the server's own user, in a folder that it may enter; $1: that folder, $2: the programs' folder, then the
 * server's options. Descriptor 3 has the superuser's password: another user's file cannot be opened here.
 */
export const SERVE = `set -eu
folder=$1 programs=$2
shift 2
cd "$folder"
IFS= read -r password <&3 || [ -n "$password" ]
exec 3<&-
sum=$(printf %s "$password" | sha256sum)
if [ ! -d data ]; then
  rm -rf data.new
  printf "%s\\n" "$password" | "$programs/initdb" -D data.new -U ${POSTGRES_ADMIN} --pwfile=/dev/stdin \\
    --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 -k --no-instructions
  mv data.new data
elif [ "$sum" != "$(cat password.sha256 2>/dev/null)" ]; then
  printf "ALTER ROLE ${POSTGRES_ADMIN} PASSWORD '%s'\\n" "$(printf %s "$password" | sed "s/'/''/g")" |
    "$programs/postgres" --single -D data -c unix_socket_directories= -c exit_on_error=on \\
      -c log_min_error_statement=panic postgres >/dev/null
fi
printf "%s\\n" "$sum" >password.sha256
exec "$programs/postgres" -D data "$@"`;

/**
 * A script for \`sh\` that becomes the server, so that its process id stays. PostgreSQL refuses to run as root: root
 * starts it as the distribution's user \`postgres\`, who finds the folder at its own home, in a mount namespace, where
 * a folder above lets only root in. A password that differs from the last start's is set first.
 */
export function postgresStartScript({ port, programs, directory, passwordFile }: PostgresConfig): string {
  return `#!/bin/sh
set -eu
umask 077
directory=${shellQuote(directory)}
programs=${shellQuote(programs)}
serve=${shellQuote(SERVE)}
set -- ${serverOptions(port, "127.0.0.1").map(shellQuote).join(" ")}
refuse() {
  echo "$1, or set recordRuns: false in the spec: runs are then not recorded" >&2
  exit 1
}
exec 3<${shellQuote(passwordFile)}
cd /
mkdir -p "$directory"
[ "$(id -u)" = 0 ] || exec sh -c "$serve" postgres-start "$directory" "$programs" "$@"
id -u postgres >/dev/null 2>&1 ||
  refuse "PostgreSQL does not run as root, and this machine has no user postgres to run it: install the package postgresql"
command -v setpriv >/dev/null || refuse "there is no setpriv to run PostgreSQL as user postgres: install util-linux"
chown postgres "$directory"
as="setpriv --reuid postgres --regid postgres --clear-groups --no-new-privs"
if $as sh -c 'cd "$1"' - "$directory" 2>/dev/null; then
  exec $as sh -c "$serve" postgres-start "$directory" "$programs" "$@"
fi
home=/var/lib/postgresql
[ -d "$home" ] && unshare --mount true 2>/dev/null ||
  refuse "user postgres cannot enter $directory, and no mount namespace can be made to show it: move the checkout to a folder that all users may pass, or let TASKFLEET_HOME name one"
exec unshare --mount --propagation private -- sh -c '
  mount --bind "$1" "$2" && home=$2 as=$3 serve=$4 programs=$5 && shift 5 &&
  exec $as sh -c "$serve" postgres-start "$home" "$programs" "$@"
' - "$directory" "$home" "$as" "$serve" "$programs" "$@"
`;
}
