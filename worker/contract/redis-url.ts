/**
 * Where Redis is, as one text: a single server, the masters that Sentinels know, or a Cluster. Pure.
 *
 * No message holds a password, nor a part of the text that might be one.
 */

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

/** Who answers for the data. */
export type RedisPlace =
  | { readonly kind: "single"; readonly node: RedisNode }
  | {
      readonly kind: "sentinel";
      /** The Sentinels. */
      readonly nodes: readonly RedisNode[];
      /** The master's name with them. */
      readonly master: string;
      /** How to log in at the Sentinels; `redis`: with Redis' own password. */
      readonly login: "none" | "redis" | { readonly username: string; readonly password: string };
    }
  | { readonly kind: "cluster"; readonly nodes: readonly RedisNode[] };

export interface RedisUrl {
  readonly place: RedisPlace;
  readonly tls: boolean;
  /** "" for none. */
  readonly username: string;
  readonly password: string;
  readonly database: number;
}

/** What is wrong with a text; nothing of it is a secret. */
export interface RedisUrlProblem {
  readonly received: string;
  readonly allowed: string;
  readonly wayOut: string;
}

/** The forms, for messages. */
export const REDIS_URL_FORMS =
  "redis://host:port, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port (rediss for TLS)";

const SCHEMES: Readonly<Record<string, RedisPlace["kind"]>> = {
  redis: "single",
  "redis+sentinel": "sentinel",
  "redis+cluster": "cluster",
};
const PORTS: Readonly<Record<RedisPlace["kind"], number>> = { single: 6379, sentinel: 26379, cluster: 6379 };
const SENTINEL_QUERY = ["sentinelPassword", "sentinelUsername", "sentinelAuth"];
const MOST_DATABASES = 2 ** 31;

class Wrong extends Error {
  readonly problem: RedisUrlProblem;
  constructor(received: string, allowed: string, wayOut = "Correct the URL.") {
    super(received);
    this.problem = { received, allowed, wayOut };
  }
}

/** Reads a URL, or says what is wrong with it. */
export function readRedisUrl(text: string): RedisUrl | { readonly problem: RedisUrlProblem } {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof Wrong) return { problem: error.problem };
    throw error;
  }
}

function parse(text: string): RedisUrl {
  const [, scheme = "", rest = ""] = /^([a-z+]+):\/\/(.*)$/s.exec(text) ?? [];
  const kind = SCHEMES[scheme.replace(/^rediss/, "redis")];
  if (kind === undefined) throw notShown();
  const [, authority = "", path = "", query = "", hash = ""] =
    /^([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(rest) ?? [];
  // A password with / ? or # in it that is not percent-encoded has moved the end of the hosts.
  if (`${path}${hash}`.includes("@")) throw notShown();
  const at = authority.lastIndexOf("@");
  const login = readLogin(at === -1 ? "" : authority.slice(0, at));
  const nodes = readNodes(authority.slice(at + 1), PORTS[kind]);
  const words = path.split("/").slice(1);
  const common = { ...login, tls: scheme.startsWith("rediss") };
  if (kind === "sentinel") {
    const [master = "", database = ""] = words;
    if (master === "" || words.length > 2) throw new Wrong(count("path part", words), "/master or /master/0");
    const place = { kind, nodes, master: decode(master), login: sentinelLogin(query) };
    return { place, ...common, database: readDatabase(database) };
  }
  if (kind === "cluster") {
    if (query !== "") throw unknownParameters(new URLSearchParams(query).keys(), "none of a Cluster's");
    if (words.length > 1) throw new Wrong(count("path part", words), "no path, or /0");
    if (readDatabase(words[0] ?? "") !== 0)
      throw new Wrong("another database than 0", "database 0, the only one of a Cluster");
    return { place: { kind, nodes }, ...common, database: 0 };
  }
  const [node, ...others] = nodes;
  if (node === undefined || others.length > 0)
    throw new Wrong(
      `${nodes.length} hosts`,
      "one host behind redis://",
      "Write redis+sentinel:// before the hosts of Sentinels, redis+cluster:// before those of a Cluster.",
    );
  const [database = ""] = words;
  return { place: { kind, node }, ...common, database: /^\d+$/.test(database) ? readDatabase(database) : 0 };
}

function notShown(): Wrong {
  return new Wrong(
    "something else (not shown: it may hold a password)",
    `a URL such as ${REDIS_URL_FORMS}`,
    "Correct the URL; a password in it must be percent-encoded.",
  );
}

function count(what: string, all: readonly unknown[]): string {
  return `${all.length} ${what}${all.length === 1 ? "" : "s"}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw notShown();
  }
}

function readLogin(text: string): { username: string; password: string } {
  const colon = text.indexOf(":");
  if (colon === -1) return { username: decode(text), password: "" };
  return { username: decode(text.slice(0, colon)), password: decode(text.slice(colon + 1)) };
}

function readNodes(text: string, port: number): readonly RedisNode[] {
  if (text === "") throw notShown();
  return text.split(",").map((node, i) => readNode(node, i + 1, port));
}

function readNode(text: string, place: number, usual: number): RedisNode {
  const [, v6, name, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(.*))?$/.exec(text) ?? [];
  const host = v6 ?? name;
  if (host === undefined)
    throw new Wrong(
      `host ${place} of the list is none (not shown: it may hold a password)`,
      "host or host:port",
    );
  if (port === undefined || port === "") return { host, port: usual };
  // What is no number may be a password, of a URL whose @host is missing.
  if (!/^\d{1,9}$/.test(port)) throw notShown();
  const number = Number(port);
  if (number < 1 || number > 65_535)
    throw new Wrong(`port ${number} of host ${place} of the list`, "a port from 1 to 65535");
  return { host, port: number };
}

function readDatabase(text: string): number {
  if (text === "") return 0;
  if (!/^\d{1,10}$/.test(text) || Number(text) >= MOST_DATABASES)
    throw new Wrong("a database that is no number", "a number, such as 0");
  return Number(text);
}

function sentinelLogin(query: string): Extract<RedisPlace, { kind: "sentinel" }>["login"] {
  const given = new URLSearchParams(query);
  if ([...given.keys()].some((name) => !SENTINEL_QUERY.includes(name)))
    throw unknownParameters(given.keys(), SENTINEL_QUERY.join(", "));
  const auth = given.get("sentinelAuth");
  const password = given.get("sentinelPassword") ?? "";
  if (auth !== null && (auth !== "redis" || password !== ""))
    throw new Wrong(
      "sentinelAuth with another value, or beside sentinelPassword",
      "sentinelAuth=redis alone",
    );
  if (auth === "redis") return "redis";
  return password === "" ? "none" : { username: given.get("sentinelUsername") ?? "", password };
}

/** Their names only: a value may be a secret. */
function unknownParameters(names: Iterable<string>, allowed: string): Wrong {
  const shown = [...names].map((name) => (/^[A-Za-z]{1,40}$/.test(name) ? name : "?"));
  return new Wrong(`parameters ${shown.join(", ")}`, `of parameters: ${allowed}`);
}

/** Where it leads, without user or password: `h:6379`, `mymaster of h1:26379,h2:26379`, `Cluster h1:6379`. */
export function describePlace(place: RedisPlace): string {
  if (place.kind === "single") return shownNode(place.node);
  const nodes = place.nodes.map(shownNode).join(",");
  return place.kind === "sentinel" ? `${place.master} of ${nodes}` : `Cluster ${nodes}`;
}

/** Every address that the URL names. */
export function nodesOf(place: RedisPlace): readonly RedisNode[] {
  return place.kind === "single" ? [place.node] : place.nodes;
}

function shownNode({ host, port }: RedisNode): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** All passwords in a URL, as they are meant; none for a text that is no such URL. */
export function passwordsIn(text: string): readonly string[] {
  const url = readRedisUrl(text);
  if ("problem" in url) return [];
  const { place, password } = url;
  const sentinels =
    place.kind === "sentinel" && typeof place.login === "object" ? [place.login.password] : [];
  return [password, ...sentinels].filter((one) => one !== "");
}

/** The same URL without the password of Redis; its user stays. */
export function withoutPassword(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)([^/?#]*)@/s, (_all, scheme: string, login: string) => {
    const colon = login.indexOf(":");
    const user = colon === -1 ? login : login.slice(0, colon);
    return user === "" ? scheme : `${scheme}${user}@`;
  });
}
