import assert from "node:assert/strict";
import { specialRange } from "../../worker/src/handlers/http/addresses.ts";
import { Destinations } from "../../worker/src/handlers/http/destinations.ts";

const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.1", "127.255.255.254", "::1"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"],
  linkLocal: ["169.254.169.254", "169.254.170.2", "fe80::1", "fe80::1%eth0"],
  uniqueLocal: ["fc00::1", "fd00:ec2::254"],
  carrierGradeNat: ["100.64.0.1", "100.100.100.200", "100.127.255.255"],
  multicast: ["224.0.0.1", "239.255.255.255", "ff02::1"],
  unspecified: ["0.0.0.0", "0.1.2.3", "::"],
  broadcast: ["255.255.255.255"],
  reserved: ["192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1"],
  ipv4Mapped: ["::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1"],
  rfc6052: ["64:ff9b::7f00:1", "64:ff9b:1::1"],
  "6to4": ["2002:7f00:1::"],
  teredo: ["2001::1"],
  metadata: ["168.63.129.16"],
};

describe("addresses that are not public", () => {
  for (const [range, addresses] of Object.entries(SPECIAL))
    it(range, () => {
      for (const address of addresses) assert.equal(specialRange(address), range, address);
    });

  it("are told from public ones", () => {
    for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "169.253.0.1", "192.167.0.1"])
      assert.equal(specialRange(address), undefined, address);
    for (const address of ["2606:4700::1111", "2a00:1450::1"]) assert.equal(specialRange(address), undefined);
    assert.equal(specialRange("4000::1"), "reserved");
    assert.equal(specialRange("localhost"), "no IP address");
  });
});

describe("destinations", () => {
  const denies = (url: string, message: RegExp, ...allow: string[]) =>
    assert.throws(() => new Destinations(allow).check(new URL(url)), { reason: "denied", message });
  const takes = (url: string, ...allow: string[]) => new Destinations(allow).check(new URL(url));

  it("are https alone", () => {
    takes("https://service.example/x?y");
    denies("http://service.example/", /^http: service.example is to be called without TLS; only hosts that/);
    for (const scheme of ["ftp", "file", "ws", "constructor"])
      denies(
        `${scheme}://service.example/`,
        new RegExp(`^http: the scheme is ${scheme}; allowed: https$`),
        "service.example",
      );
  });

  it("have no user part, and no special address however it is spelt", () => {
    denies("https://user@service.example/", /user or password/);
    denies("https://:pass@service.example/", /user or password/, "service.example");
    for (const host of [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "127.0.0.1.",
      "１２７.0.0.1",
    ])
      denies(`https://${host}/`, /^http: 127\.0\.0\.1 is no public address \(loopback\)/);
    denies("https://[::1]/", /^http: ::1 is no public address \(loopback\)/);
    denies("https://[::ffff:127.0.0.1]/", /^http: ::ffff:7f00:1 is no public address \(ipv4Mapped\)/);
    denies("https://169.254.169.254/latest/meta-data/", /linkLocal/);
    takes("https://1.1.1.1/");
    takes("https://[2606:4700::1111]/");
  });

  it("may be allowed by name, on the scheme's own port or the named one only", () => {
    takes("http://Api.Internal/", "api.internal");
    takes("https://api.internal/", "API.internal");
    takes("http://127.0.0.1:8080/", "127.0.0.1:8080");
    takes("http://[::1]:8080/", "[0:0::1]:8080");
    takes("https://10.0.0.7:443/", "10.0.0.7:443");
    denies("http://api.internal:8080/", /without TLS/, "api.internal");
    denies("http://api.internal/", /without TLS/, "api.internal:8080");
    denies("http://sub.api.internal/", /without TLS/, "api.internal");
    denies("http://api.internal.example/", /without TLS/, "api.internal");
    denies("http://10.0.0.7/", /without TLS/, "10.0.0.7:443");
  });
});
