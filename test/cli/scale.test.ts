import assert from "node:assert/strict";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { TestFleet } from "./fleet.ts";
import { cli, jsonLine } from "./support.ts";

describe("scale", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  before(async () => {
    fleet = await TestFleet.start();
  });
  after(() => fleet.stop());

  const order = async () => jsonLine((await fleet.cli(["status", "--json"])).out).order as { mode: string };
  const shown = async () => /\n {2}order +([^\n]*)\n/.exec((await fleet.cli(["status"])).out)?.[1];

  it("orders a number, a pause, and the law again; status shows what holds", async () => {
    const many = await fleet.cli(["scale", "16"]);
    assert.deepEqual([many.code, many.out], [0, "peagen.tasks: 16 workers, until `scale resume`\n"]);
    const { atMs, ...rest } = (await order()) as { mode: string; atMs: number };
    assert.deepEqual(rest, { mode: "manual", workers: 16 });
    assert.ok(Math.abs(atMs - Date.now()) < 60_000);
    assert.match((await shown()) ?? "", /^16 workers since .*, until `scale resume`$/);

    const pause = await fleet.cli(["scale", "pause"]);
    assert.deepEqual(
      [pause.code, pause.out],
      [0, "peagen.tasks: workers stay as they are, until `scale resume`\n"],
    );
    assert.equal((await order()).mode, "paused");
    assert.match((await shown()) ?? "", /^nobody starts or stops workers since /);

    const resume = await fleet.cli(["scale", "resume"]);
    assert.deepEqual([resume.code, resume.out], [0, "peagen.tasks: the scaling law decides\n"]);
    assert.deepEqual(await order(), { mode: "law" });
    assert.equal(await shown(), undefined);
    assert.equal(await fleet.redis.client.exists(queueKeys("peagen.tasks").scalingOrder), 0);
  });

  it("orders for the stream that is named", async () => {
    await fleet.cli(["scale", "0", "--stream", "other.tasks"]);
    const said = await fleet.redis.client.hget(queueKeys("other.tasks").scalingOrder, "workers");
    assert.deepEqual([said, await order()], ["0", { mode: "law" }]);
  });

  it("refuses other words, and says what is allowed", async () => {
    for (const word of ["10001", "-1", "1.5", "stop", ""]) {
      const { code, err, out } = await fleet.cli(["scale", "--", word]);
      assert.deepEqual([code, out], [2, ""], word);
      assert.match(err, /number from 0 to 10000, pause or resume/, word);
    }
    assert.deepEqual(await order(), { mode: "law" });
  });
});

describe("watch-queue", function () {
  this.timeout(60_000);

  it("says everything that is wrong with its settings at once", async () => {
    const env = {
      TASKFLEET_WATCH: "worker=a,gpu",
      TASKFLEET_WATCH_PROJECT: "Big",
      TASKFLEET_WATCH_COMPOSE: " ",
    };
    const { code, err } = await cli(["watch-queue"], { env });
    assert.equal(code, 2);
    assert.match(err, /TASKFLEET_WATCH is "worker=a,gpu", with "gpu"; allowed: `service=stream`/);
    assert.match(err, /TASKFLEET_WATCH_PROJECT is "Big"/);
    assert.match(err, /TASKFLEET_WATCH_DIRECTORY is not set; allowed: the absolute path/);
  });
});
