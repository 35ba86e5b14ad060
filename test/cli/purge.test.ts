import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { TestFleet } from "./fleet.ts";
import { type CliRun, cleanEnv, finished, jsonLine, jsonLines } from "./support.ts";

const MAIN = fileURLToPath(new URL("../../worker/src/main.ts", import.meta.url));

describe("queue purge", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  const purge = (...words: readonly string[]) => fleet.cli(["queue", "purge", ...words]);
  const depth = async () => jsonLine((await fleet.cli(["queue", "depth", "--json"])).out);

  before(async () => {
    fleet = await TestFleet.start();
  });
  after(() => fleet.stop());
  beforeEach(async () => {
    await fleet.empty();
    const tasks = [
      { kind: "sleep", id: "a", payload: { ms: 1 } },
      { kind: "sleep", id: "b", payload: { ms: 1 }, delay: 3600 },
      { kind: "word-count", id: "c", payload: { text: "x" } },
    ];
    assert.equal((await fleet.cli(["push", "-"], { input: JSON.stringify(tasks) })).code, 0);
  });

  /** The same on a terminal, on which `answer` is typed once it is asked for. */
  function onTerminal(answer: string): Promise<CliRun> {
    const command = `'${process.execPath}' '${MAIN}' queue purge --kind sleep`;
    const env = cleanEnv({ ...fleet.env, NO_COLOR: "1" });
    const child = spawn("script", ["-qec", command, "/dev/null"], { env, timeout: 30_000 });
    let seen = "";
    child.stdout.on("data", (part: Buffer) => {
      const asked = seen.includes("[y/N]");
      seen += part.toString();
      if (!asked && seen.includes("[y/N]")) child.stdin.write(answer);
    });
    return finished(child);
  }

  it("shows what would go, by kind and state, and changes nothing", async () => {
    const { code, out, err } = await purge("--dry-run");
    assert.deepEqual(
      [code, out, err],
      [
        0,
        "kind        waiting  delayed  dead\n" +
          "sleep             1        1     0\n" +
          "word-count        1        0     0\n" +
          "3 tasks would be purged\n",
        "",
      ],
    );
    assert.deepEqual(jsonLine((await purge("--dry-run", "--json", "--delayed")).out), {
      purged: 1,
      dry_run: true,
      kinds: [{ kind: "sleep", waiting: 0, delayed: 1, dead: 0 }],
    });
    const { waiting, delayed } = await depth();
    assert.deepEqual([waiting, delayed], [2, 1]);
  });

  it("purges what was asked for, and tells whoever waits", async () => {
    const waits = fleet.cli(["result", "--wait", "--json", "a", "b"]);
    assert.deepEqual(await purge("--kind", "sleep", "--yes").then(({ code, out }) => [code, out]), [
      0,
      "2 tasks purged\n",
    ]);
    const { code, out } = await waits;
    assert.deepEqual(
      [code, jsonLines(out).map(({ id, status }) => [id, status])],
      [
        1,
        [
          ["a", "cancelled"],
          ["b", "cancelled"],
        ],
      ],
    );
    assert.equal((await depth()).waiting, 1);
    assert.equal((await purge("--older-than", "1h", "--yes")).out, "0 tasks purged\n");
    assert.equal((await purge("--waiting", "--yes")).out, "1 task purged\n");
    assert.equal((await purge("--dry-run")).out, "0 tasks would be purged\n");
  });

  it("refuses where nobody can be asked", async () => {
    for (const words of [[], ["--json"]]) {
      const { code, out, err } = await purge(...words);
      assert.deepEqual(
        [code, out, err],
        [
          2,
          "",
          "taskfleet: nobody can be asked whether these tasks are to go; nothing was purged\n" +
            "  --dry-run shows what would go; --yes purges without asking.\n",
        ],
      );
    }
    assert.equal((await depth()).waiting, 2);
  });

  it("asks on a terminal, with the table of what would go", async () => {
    const no = await onTerminal("\n");
    assert.equal(no.code, 1);
    assert.match(
      stripVTControlCharacters(no.out).replaceAll("\r", ""),
      /sleep +1 +1 +0\n2 tasks would be purged\nPurge them\? \[y\/N\] \nnothing was purged\n$/,
    );
    assert.equal((await depth()).waiting, 2);
    const ended = await onTerminal("\u0004");
    assert.deepEqual([ended.code, (await depth()).waiting], [1, 2]);
    const yes = await onTerminal("y\n");
    assert.equal(yes.code, 0);
    assert.match(yes.out, /\r\n2 tasks purged\r\n$/);
    const { waiting, delayed } = await depth();
    assert.deepEqual([waiting, delayed], [1, 0]);
  });

  it("names an age that is none", async () => {
    const { code, err } = await purge("--older-than", "1", "--yes");
    assert.equal(code, 2);
    assert.match(err, /Give a number with a unit s, m, h or d, such as 90s, 5m, 1h or 2d\.\n/);
  });
});
