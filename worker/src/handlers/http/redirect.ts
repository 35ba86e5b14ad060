import { PermanentError } from "../../handler.ts";

/** A request as it goes out; header names in lower case. */
export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

const REDIRECTS = [301, 302, 303, 307, 308];
/** What another origin is not told. */
const CREDENTIALS = ["authorization", "cookie", "proxy-authorization"];
/** What goes with the body. */
const OF_BODY = /^content-/;

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

/**
 * The request that a redirect asks for, as the Fetch standard has it; `undefined` for any other response.
 * @throws PermanentError for a location that is no URL.
 */
export function redirected(
  request: HttpRequest,
  status: number,
  location: string | undefined,
): HttpRequest | undefined {
  if (!REDIRECTS.includes(status) || location === undefined) return undefined;
  if (!URL.canParse(location, request.url.href)) {
    throw new PermanentError(`http: ${request.url.host} redirects to something that is no URL`);
  }
  const url = new URL(location, request.url);
  const toGet = becomesGet(status, request.method);
  const dropped = (name: string) =>
    (toGet && OF_BODY.test(name)) || (url.origin !== request.url.origin && CREDENTIALS.includes(name));
  return {
    method: toGet ? "GET" : request.method,
    url,
    headers: Object.fromEntries(Object.entries(request.headers).filter(([name]) => !dropped(name))),
    body: toGet ? null : request.body,
  };
}
