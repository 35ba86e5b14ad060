import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { type AllowedHost, parseAllowedHost } from "../../../contract/allowed-host.ts";
import { PermanentError } from "../../handler.ts";
import { specialRange } from "./addresses.ts";

const OWN_PORTS = new Map([
  ["http:", "80"],
  ["https:", "443"],
]);

function deny(message: string): PermanentError {
  return new PermanentError(`http: ${message}`, { reason: "denied" });
}

const WAY_OUT = "only hosts that the fleet's http.allow (TASKFLEET_HTTP_ALLOW) names may be called so";

/** Where requests may go: to public addresses by HTTPS, and to what is allowed by name. */
export class Destinations {
  readonly #allowed: readonly AllowedHost[];
  readonly #lookup: LookupFunction;

  /** `allow`: entries as `host` or `host:port`; `lookup`: how names are resolved, by default the system's way. */
  constructor(allow: readonly string[], lookup: LookupFunction = systemLookup as LookupFunction) {
    this.#allowed = allow.map(parseAllowedHost).filter((entry) => entry !== undefined);
    this.#lookup = lookup;
  }

  /**
   * Checks scheme, user part and, where the host is one, address of a URL.
   * @throws PermanentError of the reason `denied`.
   */
  check(url: URL): void {
    const own = OWN_PORTS.get(url.protocol);
    if (own === undefined) throw deny(`the scheme is ${url.protocol.slice(0, -1)}; allowed: https`);
    if (url.username !== "" || url.password !== "") {
      throw deny("the URL has a user or password; give credentials in a header");
    }
    if (this.#isAllowed(url)) return;
    if (url.protocol !== "https:") throw deny(`${url.host} is to be called without TLS; ${WAY_OUT}`);
    const address = url.hostname.replace(/^\[|\]$/g, "");
    if (isIP(address) === 0) return;
    const range = specialRange(address);
    if (range !== undefined) throw deny(`${address} is no public address (${range}); ${WAY_OUT}`);
  }

  /**
   * How a connection to this URL finds its address. What it returns is what is connected to, so that no second
   * answer of the name's server can take its place.
   */
  lookupFor(url: URL): LookupFunction {
    if (this.#isAllowed(url)) return this.#lookup;
    return (hostname, options, callback) => {
      this.#lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) return callback(error, "", 0);
        const all = Array.isArray(found) ? found : [{ address: found, family: 4 }];
        const open = all.filter(({ address }) => specialRange(address) === undefined);
        const [first] = open;
        if (first === undefined) return callback(refusal(hostname, all), "", 0);
        if (options.all === true) callback(null, open);
        else callback(null, first.address, first.family);
      });
    };
  }

  #isAllowed(url: URL): boolean {
    const own = OWN_PORTS.get(url.protocol) ?? "";
    const port = url.port === "" ? own : url.port;
    return this.#allowed.some(
      (entry) => entry.host === url.hostname && (entry.port === "" ? own : entry.port) === port,
    );
  }
}

function refusal(hostname: string, found: readonly { readonly address: string }[]): PermanentError {
  const addresses = found.map(({ address }) => `${address} (${specialRange(address)})`).join(", ");
  return deny(`${hostname} has no public address, but ${addresses || "none"}; ${WAY_OUT}`);
}
