import ipaddr from "ipaddr.js";

/** What the package calls an address that no registry sets apart. */
const ORDINARY = "unicast";
/** All that is routed of IPv6. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");
/** Looks public, but a cloud answers its own machines there. */
const METADATA = ["168.63.129.16"];

/** Why an address is not one of the public internet: its range's name; `undefined` when it is one. */
export function specialRange(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return "no IP address";
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range !== ORDINARY) return range;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GLOBAL_IPV6)) return "reserved";
  return METADATA.includes(parsed.toString()) ? "metadata" : undefined;
}
