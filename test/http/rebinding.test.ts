import assert from "node:assert/strict";
import { promisify } from "node:util";
import { Destinations } from "../../worker/src/handlers/http/destinations.ts";
import { names, refusal, Service } from "./support.ts";

const URL_OF = new URL("https://rebind.example/");

describe("a name whose address changes", () => {
  it("is connected to at the very address that was checked, for it is asked for once", async () => {
    const { lookup, asked } = names({ "rebind.example": [["93.184.215.14"], ["127.0.0.1"]] });
    const checked = new Destinations([], lookup).lookupFor(URL_OF);
    const found = await promisify(checked)("rebind.example", { all: true });
    assert.deepEqual([found, asked.length], [[{ address: "93.184.215.14", family: 4 }], 1]);
    await assert.rejects(promisify(checked)("rebind.example", { all: true }), { reason: "denied" });
  });

  it("loses its private addresses among public ones", async () => {
    const answers = ["10.0.0.1", "93.184.215.14", "::1", "2606:2800:21f::1", "64:ff9b::a00:1"];
    const checked = new Destinations([], names({ "rebind.example": [answers] }).lookup).lookupFor(URL_OF);
    assert.deepEqual(await promisify(checked)("rebind.example", { all: true }), [
      { address: "93.184.215.14", family: 4 },
      { address: "2606:2800:21f::1", family: 6 },
    ]);
    assert.equal(await promisify(checked)("rebind.example", {}), "93.184.215.14");
  });

  it("is asked for again, and checked again, at each redirect to it", async () => {
    const service = await new Service((_request, response) =>
      response.writeHead(302, { location: "https://rebind.example/in" }).end(),
    ).start();
    try {
      const { lookup, asked } = names({ "rebind.example": [["127.0.0.1"]] });
      const allow = [`127.0.0.1:${service.port}`];
      const { reason } = await refusal({ url: service.url() }, { lookup, allow });
      assert.deepEqual([reason, asked], ["denied", ["rebind.example"]]);
    } finally {
      await service.stop();
    }
  });
});
