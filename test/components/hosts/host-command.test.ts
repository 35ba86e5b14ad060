import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandInputs, hostCommand } from "../../../components/hosts/host-command.ts";

describe("a command of the host", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-command-"));
  after(() => rmSync(folder, { recursive: true }));

  const log = join(folder, "logs", "setup.log");
  const inputs = (script: string, trigger = "1"): CommandInputs => ({
    name: "setup",
    directory: join(folder, "work"),
    command: process.execPath,
    args: ["-e", script],
    environment: { GIVEN: "words" },
    files: [],
    log,
    timeoutSeconds: 20,
    trigger,
  });

  it("runs when it is made and when its trigger changes, and for nothing else", async () => {
    const first = inputs("console.log(process.env.GIVEN, process.cwd(), process.env.PULUMI_SECRET)");
    process.env.PULUMI_SECRET = "x";
    const { id, state } = await hostCommand.create(first).finally(() => delete process.env.PULUMI_SECRET);
    assert.equal(id, "setup");
    const line = `words ${join(folder, "work")} undefined\n`;
    assert.equal(readFileSync(log, "utf8"), line);
    const olds = { ...first, ...state };
    const others: CommandInputs = { ...first, args: ["-e", ""], environment: {}, timeoutSeconds: 1 };
    assert.deepEqual(hostCommand.diff(olds, others), { changes: false, replaces: [] });
    assert.deepEqual(hostCommand.diff(olds, { ...first, trigger: "2" }), { changes: true, replaces: [] });
    await hostCommand.update(olds, { ...first, trigger: "2" });
    assert.equal(readFileSync(log, "utf8"), line + line);
  });

  it("has files that are there when it runs, run it again when they change, and go with it", async () => {
    const path = join(folder, "secrets", "url");
    const file = (content: string) => [{ path, content, mode: "0600" }];
    const script = `process.stdout.write(require("node:fs").readFileSync(${JSON.stringify(path)}, "utf8"))`;
    const first: CommandInputs = { ...inputs(script), log: `${log}.files`, files: file("one") };
    await hostCommand.create(first);
    assert.deepEqual([readFileSync(`${log}.files`, "utf8"), statSync(path).mode & 0o777], ["one", 0o600]);
    const state = { ...first, intact: true };
    const second = { ...state, files: file("two") };
    assert.deepEqual(hostCommand.diff(state, second), { changes: true, replaces: [] });
    assert.deepEqual(hostCommand.diff(second, second), { changes: false, replaces: [] });
    await hostCommand.update(state, second);
    assert.deepEqual([readFileSync(`${log}.files`, "utf8"), readFileSync(path, "utf8")], ["onetwo", "two"]);
    await hostCommand.update(second, { ...second, files: [] });
    assert.equal(existsSync(path), false);
    await hostCommand.update(state, second);
    await hostCommand.delete(second);
    assert.equal(existsSync(path), false);
  });

  it("has its old files again when it fails, and those that somebody changed", async () => {
    const path = join(folder, "secrets", "address");
    const other = join(folder, "secrets", "further");
    const file = (place: string, content: string) => ({ path: place, content, mode: "0600" });
    const first: CommandInputs = { ...inputs(""), files: [file(path, "good")] };
    const { state } = await hostCommand.create(first);
    const olds = { ...first, ...state };
    const wrong = {
      ...first,
      args: ["-e", "process.exit(1)"],
      files: [file(path, "wrong"), file(other, "x")],
    };
    await assert.rejects(hostCommand.update(olds, wrong), { name: "HostError" });
    assert.deepEqual([readFileSync(path, "utf8"), existsSync(other)], ["good", false]);
    rmSync(path);
    assert.deepEqual(await hostCommand.read(olds), { intact: false });
    const seen = { ...olds, intact: false };
    assert.equal(hostCommand.diff(seen, first).changes, true);
    await hostCommand.update(seen, { ...first, args: ["-e", "process.exit(1)"] });
    assert.equal(readFileSync(path, "utf8"), "good");
  });

  it("shows the end of its own output when it fails", async () => {
    await assert.rejects(hostCommand.create(inputs('console.error("no way"); process.exit(3)')), {
      name: "HostError",
      message: `setup ended with exit code 3; the end of ${log}:\nno way`,
    });
    await assert.rejects(hostCommand.create({ ...inputs(""), command: "/no/such" }), {
      message:
        "cannot run setup (/no/such): there is no such file or folder; create it or correct the path, then run the update again",
    });
  });
});
