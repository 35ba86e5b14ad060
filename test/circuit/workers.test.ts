import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { TestFleet } from "../worker/support/fleet.ts";
import { age, OPEN_MS } from "./support.ts";

const SETTINGS = {
  TASKFLEET_HANDLERS: join(import.meta.dirname, "fixtures/handlers"),
  TASKFLEET_RETRY_JITTER: "0",
  WORKER_CONCURRENCY: "1",
};

describe("a circuit of two worker processes", () => {
  let server: TestRedis;
  let folder: string;
  let fleet: TestFleet;

  before(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), "circuit-test-"));
  });
  beforeEach(() => {
    fleet = new TestFleet(server);
  });
  afterEach(() => fleet.close());
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  for (const kind of ["calls", "calls-in-thread"])
    it(`is opened by one, refuses the other's calls and is closed by whoever tries first (${kind})`, async () => {
      const up = join(folder, kind);
      const first = await fleet.worker(SETTINGS).ready();
      for (let i = 0; i < 5; i++) {
        const letter = await fleet.letter(await fleet.push(kind, { up }, { maxAttempts: 1 }));
        assert.deepEqual(
          [letter.errors[0]?.message, letter.errors[0]?.reason],
          ["the service is down", "handler"],
        );
      }
      assert.deepEqual(
        first.of("circuit_changed").map(({ circuit, state }) => [circuit, state]),
        [["the-service", "opened"]],
      );
      await first.remove();

      const second = await fleet.worker(SETTINGS).ready();
      writeFileSync(up, "");
      const id = await fleet.push(kind, { up }, { maxAttempts: 1 });
      const refused = await fleet.letter(id);
      assert.deepEqual(
        [refused.errors[0]?.message, refused.errors[0]?.reason, existsSync(`${up}.called-by-${id}`)],
        ["Circuit breaker open - service unavailable", "circuit", false],
      );
      assert.equal(await fleet.stat(`fail:${kind}:circuit`), "1");

      await age(fleet.queue, "the-service", OPEN_MS);
      const result = await fleet.result(await fleet.push(kind, { up }));
      assert.deepEqual([result.output, result.worker_id], ["answer", second.id]);
      assert.deepEqual(
        second.of("circuit_changed").map(({ state }) => state),
        ["closed"],
      );
    });
});
