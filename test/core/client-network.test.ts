import assert from "node:assert/strict";
import { clientNetwork } from "../../worker/src/core/client-network.ts";

describe("the network by which calls are counted", () => {
  for (const [address, network] of [
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::1", "::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8:1:3::", "2001:db8:1:3::/64"],
    ["fe80::1%eth0", "fe80::/64"],
    ["not an address", "unknown"],
    ["", "unknown"],
  ] as const)
    it(`of ${JSON.stringify(address)} is ${network}`, () => {
      assert.equal(clientNetwork(address), network);
    });
});
