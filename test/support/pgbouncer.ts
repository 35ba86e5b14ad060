import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOnPath } from "../../components/find-on-path.ts";
import { databaseLogin } from "../../worker/src/adapters/postgres/connection-string.ts";
import { onServer } from "./postgres-server.ts";
import { quietPort } from "./quiet-port.ts";
import { waitFor } from "./wait.ts";

export interface TestPgBouncer {
  /** The same database through it. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Where Debian's package puts it, which no ordinary user's PATH has. */
const PLACES = [process.env.PATH ?? "", "/usr/sbin"].join(":");

export function pgBouncerProgram(): string | undefined {
  return findOnPath("pgbouncer", PLACES);
}

/** A PgBouncer in transaction mode before the database of this URL: `servers` connections to it, for any number of clients. */
export async function startPgBouncer(program: string, url: string, servers: number): Promise<TestPgBouncer> {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-pgbouncer-"));
  chmodSync(folder, 0o755);
  const port = await quietPort();
  const { user, password, database } = databaseLogin(url);
  const file = (name: string, lines: readonly string[]) => {
    const path = join(folder, name);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  };
  const users = file("users.txt", [`"${user}" "${password}"`]);
  const config = file("pgbouncer.ini", [
    ...["[databases]", `${database} = host=127.0.0.1 port=${new URL(url).port}`],
    ...["[pgbouncer]", "listen_addr=127.0.0.1", `listen_port=${port}`, "unix_socket_dir="],
    ...["auth_type=scram-sha-256", `auth_file=${users}`, "pool_mode=transaction"],
    ...[`default_pool_size=${servers}`, `max_db_connections=${servers}`, "max_client_conn=100"],
  ]);
  // It refuses root.
  const become = process.getuid?.() === 0 ? ["-u", "postgres"] : [];
  const child = spawn(program, [...become, config], { stdio: "ignore", cwd: folder });
  const through = Object.assign(new URL(url), { port: String(port) }).href;
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  };
  const answers = () =>
    onServer(through, (client) => client.query("SELECT 1")).then(
      () => true,
      () => false,
    );
  await waitFor("PgBouncer to answer", answers, { timeoutMs: 30_000 });
  return { url: through, stop };
}
