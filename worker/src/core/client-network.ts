import ipaddr from "ipaddr.js";

const PREFIX_BITS = 64;
/** What counts as one client when its address cannot be read. */
const UNKNOWN = "unknown";

/**
 * The network by which calls of an address are counted: an IPv4 address itself, of IPv6 the /64 that one subscriber
 * has and may choose any address of. Pure.
 */
export function clientNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return UNKNOWN;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  const bytes = parsed.toByteArray().map((byte, at) => (at < PREFIX_BITS / 8 ? byte : 0));
  return `${ipaddr.fromByteArray(bytes).toString()}/${PREFIX_BITS}`;
}
