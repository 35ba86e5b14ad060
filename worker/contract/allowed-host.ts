/** Entries of `TASKFLEET_HTTP_ALLOW`: hosts that the handler `http` may call without TLS and at private addresses. */

export interface AllowedHost {
  /** As a URL shows it: lower case, an IPv6 address in brackets. */
  readonly host: string;
  /** "" for the scheme's own: 80 or 443. */
  readonly port: string;
}

const ENTRY = /^(\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\%,]+)(?::([1-9]\d{0,4}))?$/;
const HIGHEST_PORT = 65_535;

/** What an entry looks like, for errors. */
export const ALLOWED_HOST_FORM = 'hosts as "api.internal", "api.internal:8080" or "[::1]:8080"';

/** Reads an entry; `undefined` for anything else, such as a URL or a pattern. */
export function parseAllowedHost(entry: string): AllowedHost | undefined {
  const [, written, port = ""] = ENTRY.exec(entry) ?? [];
  if (written === undefined || written.includes("*") || Number(port) > HIGHEST_PORT) return undefined;
  const url = `http://${written}/`;
  return URL.canParse(url) ? { host: new URL(url).hostname, port } : undefined;
}
