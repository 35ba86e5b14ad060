import ipaddr from "ipaddr.js";

/** What `isProxyRange` takes, in words. */
export const PROXY_FORMS =
  "IP addresses, networks such as 10.0.0.0/8, and the names loopback, linklocal, uniquelocal";

const NAMES: readonly string[] = ["loopback", "linklocal", "uniquelocal"];

/** Whether a text names proxies: an address, a network (not all addresses), or a name of well-known networks. Pure. */
export function isProxyRange(text: string): boolean {
  if (NAMES.includes(text)) return true;
  // In `::ffff:10.0.0.1` the dots are right; elsewhere addresses have four parts: 10.1 is read as 10.0.0.1.
  if (!text.includes(":") && !/^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(text)) return false;
  if (!text.includes("/")) return ipaddr.isValid(text);
  // Everybody as a proxy would let everybody choose an address.
  return ipaddr.isValidCIDR(text) && ipaddr.parseCIDR(text)[1] > 0;
}
