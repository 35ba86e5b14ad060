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

/** Hosts, ports and database of a URL, without user or password. @throws TaskfleetError when it is none. */
export function databaseAddress(text: string): string {
  const urls = eachHost(text).map(parse);
  const hosts = urls.map(({ hostname, port }) => `${hostname}:${port === "" ? 5432 : port}`).join(",");
  return `${hosts}/${decodeURIComponent(urls[0]?.pathname.slice(1) ?? "")}`;
}

/** What stands before the hosts, the hosts, and what stands behind them. */
const PARTS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]+)([^#]*)$/s;

/**
 * A URL for each host, in their order, of one that names several: a primary and its standbys, of which the one that
 * can be written to is meant. @throws TaskfleetError when one is none, or when another server is asked for.
 */
export function eachHost(text: string): readonly string[] {
  const [, before = "", hosts = "", behind = ""] = PARTS.exec(text) ?? [];
  if (!hosts.includes(",")) return [text];
  const urls = hosts.split(",").map((host) => `${before}${host}${behind}`);
  return urls.map((one) => {
    const url = parse(one);
    const wanted = url.searchParams.get("target_session_attrs") ?? "read-write";
    if (!["read-write", "primary"].includes(wanted))
      throw new TaskfleetError(
        "DATABASE_URL: target_session_attrs is another than read-write or primary, and the record is written to; set read-write",
      );
    url.searchParams.delete("target_session_attrs");
    return url.href;
  });
}

/** Who a URL logs in as, and where. @throws TaskfleetError when it is none. */
export function databaseLogin(text: string): { user: string; password: string; database: string } {
  const url = parse(eachHost(text)[0] ?? "");
  return {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  };
}

/** The same server and login, another database. */
export function inDatabase(text: string, database: string): string {
  databaseAddress(text);
  const [, before = "", hosts = "", behind = ""] = PARTS.exec(text) ?? [];
  return `${before}${hosts}/${encodeURIComponent(database)}${behind.replace(/^[^?]*/, "")}`;
}

/**
 * The same for PostgreSQL's own programs, which take the password by their environment; of several servers they would
 * take any that answers.
 */
export function forPrograms(text: string): string {
  const one = eachHost(text).length === 1;
  databaseAddress(text);
  const open = text.replace(/^(postgres(?:ql)?:\/\/[^/?#@:]*):[^/?#]*@/s, "$1@");
  if (one || /[?&]target_session_attrs=/.test(open)) return open;
  return `${open}${open.includes("?") ? "&" : "?"}target_session_attrs=read-write`;
}

/**
 * The URL, of one host, as `pg` is to read it: `sslmode` means what PostgreSQL's own programs mean by it. Without the
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
