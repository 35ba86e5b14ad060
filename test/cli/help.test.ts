import assert from "node:assert/strict";
import { COMMANDS } from "../../worker/src/cli/commands.ts";
import { cli } from "./support.ts";

describe("help", () => {
  const paths = [
    ...Object.keys(COMMANDS).map((name) => [name]),
    ...["pause", "resume", "depth", "purge", "dlq"].map((name) => ["queue", name]),
    ...["clusters", "list", "export", "requeue"].map((name) => ["queue", "dlq", name]),
  ];
  for (const path of paths) {
    it(`${path.join(" ")}: usage and examples that name the program`, async () => {
      const { code, out, err } = await cli([...path, "--help"]);
      assert.deepEqual([code, err], [0, ""]);
      assert.match(out, new RegExp(`^Usage: taskfleet ${path.join(" ")}( |\n)`));
      assert.match(out, /\nExamples:\n {2}\$ .*taskfleet [a-z]+.* # /);
    });
  }

  it("lists every command but what the fleet starts itself, and the exit codes", async () => {
    const { code, out } = await cli(["--help"]);
    assert.equal(code, 0);
    for (const [name, { hidden }] of Object.entries(COMMANDS))
      assert.equal(new RegExp(`^  ${name} `, "m").test(out), hidden !== true, name);
    assert.match(out, /Exit codes: 0 success, 1 failed, 2 wrong usage/);
  });

  it("is shown, as an error, when no command is named", async () => {
    const { code, out, err } = await cli([]);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, /^Usage: taskfleet <command>/);
  });

  it("goes by the name that was started", async () => {
    const { out } = await cli(["help", "push"], { env: { TASKFLEET_PROGRAM: "peagen" } });
    assert.match(out, /^Usage: peagen push/);
    assert.match(out, /\$ peagen push word-count/);
  });

  it("points to itself after a wrong word", async () => {
    assert.deepEqual(await cli(["pusch"]).then(({ code, err }) => [code, err]), [
      2,
      "taskfleet: unknown command 'pusch'\n(Did you mean push?)\n  See taskfleet --help.\n",
    ]);
    const { code, err } = await cli(["queue", "dlq", "list", "--limit", "0"]);
    assert.equal(code, 2);
    assert.equal(
      err,
      "taskfleet: option '--limit <n>' argument '0' is invalid. Give a whole number from 1 to 1000000.\n" +
        "  See taskfleet queue dlq list --help.\n",
    );
  });
});
