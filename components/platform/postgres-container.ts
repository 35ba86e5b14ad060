import { shellQuote } from "../shell-quote.ts";
import { SERVE, serverOptions } from "./postgres.ts";

/** What a server in a container is started with. All paths are the container's. */
export interface ContainerPostgres {
  readonly port: number;
  /** A volume's folder: the cluster's data is `data` in it. */
  readonly directory: string;
  /** Holds the superuser's password, on one line. */
  readonly passwordFile: string;
  /** What `CLIENT_RULES` is mounted as. */
  readonly rulesFile: string;
}

/** `pg_hba.conf`: whoever reaches the server needs a password. */
export const CLIENT_RULES = "host all all all scram-sha-256\nhost replication all all scram-sha-256\n";

/**
 * A script for `sh` in a container of PostgreSQL's official image, or of a Debian with its packages, by the image's
 * user: it becomes the server and writes to the volume alone. With the argument `health` it asks whether a server takes
 * connections.
 */
export function postgresContainerScript(server: ContainerPostgres): string {
  const { port, directory, passwordFile, rulesFile } = server;
  const options = [...serverOptions(String(port), "0.0.0.0"), "-c", `hba_file=${rulesFile}`];
  return `#!/bin/sh
set -eu
umask 077
server=$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres | tail -n 1)
programs=\${server%/*}
if [ "\${1:-}" = health ]; then
  exec "$programs/pg_isready" -q -h 127.0.0.1 -p ${port}
fi
serve=${shellQuote(SERVE)}
exec 3<${shellQuote(passwordFile)}
exec sh -c "$serve" postgres-start ${shellQuote(directory)} "$programs" ${options.map(shellQuote).join(" ")}
`;
}
