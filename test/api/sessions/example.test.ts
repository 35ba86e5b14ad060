import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { resultOf, type TestQueue, withQueue } from "../../support/queue.ts";
import { FIRST_KEY, TestApi } from "../support.ts";

const PAGE = new URL("../../../docs/api.md", import.meta.url);

describe("the example of docs/api.md", () => {
  let queue: TestQueue;
  let api: TestApi;
  withQueue((made) => {
    queue = made;
  });
  beforeEach(async () => {
    api = await TestApi.start(queue);
  });
  afterEach(() => api.close());

  it("runs as it stands", async () => {
    const kind = { kind: "execute", version: "1", description: "", payload: { type: "object" } };
    await queue.redis.hset(queue.keys.kinds, "execute", JSON.stringify(kind));
    const [, example = ""] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync(PAGE, "utf8")) ?? [];
    const child = spawn(process.execPath, ["--input-type=module", "-e", example], {
      env: { TASKFLEET_API_URL: api.base, TASKFLEET_API_KEY: FIRST_KEY },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const ended = once(child, "exit");
    const consumer = queue.consumer("w");
    const [task] = await consumer.read(1, 30_000);
    assert.ok(task !== undefined, output);
    const result = resultOf(task, { output: { stdout: "Monday" } });
    await consumer.settle([{ task, result, runtimeMs: 1 }]);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(output, "queued \nrunning \nsucceeded Monday\n");
  });
});
