import { TaskfleetError } from "../../core/errors.ts";

/** The settings that name a database. */
export interface DatabaseSettings {
  readonly databaseUrl: string;
  readonly pgHost: string;
  readonly pgPort: number;
  readonly pgUser: string;
  readonly pgPassword: string;
  readonly pgDatabase: string;
}

/** The record's URL: `DATABASE_URL`, or else built of `PGHOST` and its kin; "" when neither is set. */
export function databaseUrl(settings: DatabaseSettings): string {
  if (settings.databaseUrl !== "" || settings.pgHost === "") return settings.databaseUrl;
  const { pgHost, pgPort, pgUser, pgPassword, pgDatabase } = settings;
  const url = new URL(`postgresql://${pgHost.includes(":") ? `[${pgHost}]` : pgHost}:${pgPort}`);
  url.username = encodeURIComponent(pgUser);
  url.password = encodeURIComponent(pgPassword);
  url.pathname = `/${encodeURIComponent(pgDatabase)}`;
  return url.href;
}

/** The same with the passwords that count now, each time that it is asked. */
export function currentDatabaseUrl(
  settings: DatabaseSettings,
  secretOf: (name: "databaseUrl" | "pgPassword") => string,
): () => string {
  return () =>
    databaseUrl({ ...settings, databaseUrl: secretOf("databaseUrl"), pgPassword: secretOf("pgPassword") });
}

/** Host, port and database of a URL, without user or password. @throws TaskfleetError when it is none. */
export function databaseAddress(text: string): string {
  const url = parse(text);
  return `${url.hostname}:${url.port === "" ? 5432 : url.port}/${decodeURIComponent(url.pathname.slice(1))}`;
}

/** Who a URL logs in as, and where. @throws TaskfleetError when it is none. */
export function databaseLogin(text: string): { user: string; password: string; database: string } {
  const url = parse(text);
  return {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}

/** The same server and login, another database. */
export function inDatabase(text: string, database: string): string {
  const url = parse(text);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/**
 * The URL as `pg` is to read it: `sslmode` means what PostgreSQL's own programs mean by it. Without the
 * parameter that is added here, `require` and `verify-ca` would be `verify-full`.
 */
export function forDriver(text: string): string {
  const url = parse(text);
  const mode = url.searchParams.get("sslmode");
  if (mode === null || mode === "" || url.searchParams.has("uselibpqcompat")) return url.href;
  if (mode === "verify-ca" && !url.searchParams.has("sslrootcert")) {
    throw new TaskfleetError(
      "DATABASE_URL: sslmode=verify-ca needs sslrootcert=/path/to/ca.pem; verify-full takes the system's own authorities",
    );
  }
  url.searchParams.set("uselibpqcompat", "true");
  return url.href;
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["postgresql:", "postgres:"].includes(url.protocol) || url.hostname === "") {
    throw new TaskfleetError(
      "DATABASE_URL: not a PostgreSQL address; expected postgresql://user:password@host:5432/database",
    );
  }
  return url;
}
