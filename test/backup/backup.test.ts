import { deepEqual, equal, match } from "node:assert/strict";
import { jsonLine } from "../cli/support.ts";
import type { Manifest } from "../../worker/src/backup/manifest.ts";
import { type BackedUp, fill, withServers } from "./support.ts";

describe("backup", function () {
  this.timeout(180_000);
  let fleet: BackedUp;
  withServers((made) => {
    fleet = made;
  });

  it("smoke", async () => {
    await fill(fleet);
    const made = await fleet.backup("create", "--json");
    equal(made.code, 0, made.err);
    const manifest = jsonLine(made.out) as unknown as Manifest;
    console.log(JSON.stringify(manifest, undefined, 1));
    const drill = await fleet.backup("drill");
    console.log(drill.out, drill.err, drill.code);
    console.log((await fleet.backup("list")).out);
    console.log((await fleet.backup("verify")).out);
  });
});
