import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "./fleet.ts";
import { type CliRun, finished, jsonLines } from "./support.ts";

const STREAM = "peagen.tasks";

describe("map", function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let folder = "";
  const contents = new Map<string, Buffer>();
  const write = (name: string, bytes: Buffer | string) => {
    contents.set(name, Buffer.from(bytes));
    writeFileSync(join(folder, name), bytes);
  };
  const map = (words: readonly string[], input = "", env = {}): Promise<CliRun> =>
    fleet.cli(["map", ...words], { cwd: folder, input, env });
  const enqueued = async () =>
    Number((await fleet.redis.client.hget(`{${STREAM}}:stats`, "enqueued:execute")) ?? 0);

  before(async () => {
    fleet = await TestFleet.start();
    await fleet.startWorker("worker-a", { WORKER_CONCURRENCY: "4" });
    folder = mkdtempSync(join(tmpdir(), "taskfleet-map-"));
    mkdirSync(join(folder, "sub"));
    write("empty", "");
    write("binary", Buffer.from(Array.from({ length: 1024 }, (_, at) => at % 256)));
    write("random", randomBytes(200_000));
    write("bom.txt", "\uFEFFé\u0000\u0001\r\n");
    write("control", Buffer.alloc(300_000, 1));
    write("two words.txt", "spaces");
    write("new\nline.txt", "a name of two lines");
    write("-dash", "looks like a flag");
    write("sub/{}.txt", "braces");
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await fleet.stop();
  });

  it("gives each file's bytes to the program and its output back, byte for byte, in the order of the list", async () => {
    const names = [...contents.keys()];
    const { code, bytes, err } = await map(["--files-from", "-", "-0", "--", "cat"], names.join("\0"));
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(bytes.equals(Buffer.concat([...contents.values()])), "the concatenation of the files");
  });

  it("keeps the order when later files are done first", async () => {
    const names = Array.from({ length: 12 }, (_, at) => `slow-${at}`);
    // The first files take longest.
    for (const [at, name] of names.entries()) writeFileSync(join(folder, name), `${(11 - at) / 40}`);
    const program = ["sh", "-c", "sleep $(cat); echo {}"];
    const { code, out } = await map(["--files-from", "-", "--", ...program], names.join("\n"));
    assert.deepEqual([code, out], [0, names.map((name) => `${name}\n`).join("")]);
  });

  it("puts the name for {} in every argument, as it is, and sends no other part of the path", async () => {
    const { code, out } = await map([
      "--files",
      "sub/*.txt",
      "two words.txt",
      "--",
      "printf",
      "<%s>",
      "{}",
      "at:{}{}",
    ]);
    assert.deepEqual(
      [code, out],
      [0, "<sub/{}.txt><at:sub/{}.txtsub/{}.txt><two words.txt><at:two words.txttwo words.txt>"],
    );
  });

  it("passes flags on to the program, also without --", async () => {
    const { out } = await map(["--files-from", "-", "wc", "-c", "--", "-"], "two words.txt");
    assert.equal(out, "6 -\n");
  });

  it("prints what failed programs wrote, names their files and ends with 1", async () => {
    const program = ["sh", "-c", "echo out {}; echo err {} >&2; test {} != empty"];
    const { code, out, err } = await map(["--files", "binary", "empty", "random", "--", ...program]);
    assert.deepEqual([code, out], [1, "out binary\nout empty\nout random\n"]);
    assert.equal(
      err,
      'err binary\nerr empty\ntaskfleet: "empty": error: execute: the program exited with status 1\nerr random\n' +
        'taskfleet: 1 of 3 files failed: "empty"\n',
    );
  });

  it("prints one JSON object per file, also for a program that is not installed", async () => {
    const { code, out, err } = await map(["--files", "empty", "--json", "--", "no-such-program-here"]);
    const [line] = jsonLines(out);
    assert.equal(code, 1);
    assert.deepEqual([line?.file, line?.status], ["empty", "error"]);
    assert.match(String(line?.error), /no-such-program-here.* is not installed on the worker/);
    assert.equal(err, 'taskfleet: 1 of 1 file failed: "empty"\n');
    const binary = await map(["--files", "binary", "--json", "--", "cat"]);
    const [{ stdout, stdoutEncoding, exitCode } = {}] = jsonLines(binary.out);
    assert.deepEqual([exitCode, stdoutEncoding], [0, "base64"]);
    assert.ok(Buffer.from(String(stdout), "base64").equals(contents.get("binary") ?? Buffer.alloc(0)));
  });

  it("takes a file of exactly 1 MiB, and refuses one byte more by name before anything is pushed", async () => {
    writeFileSync(join(folder, "just"), Buffer.alloc(1_048_576, 255));
    writeFileSync(join(folder, "over"), Buffer.alloc(1_048_577, 255));
    const just = await map(["--files", "just", "--", "wc", "-c"]);
    assert.deepEqual([just.code, just.out], [0, "1048576\n"]);
    const before = await enqueued();
    const { code, out, err } = await map(["--files", "empty", "over", "--", "cat"]);
    assert.deepEqual([code, out, await enqueued()], [2, "", before]);
    assert.equal(
      err,
      "taskfleet: 1 file cannot be pushed, so nothing was\n" +
        '  "over": 1048577 bytes, but a file may have 1048576 at most (1 MiB)\n',
    );
  });

  it("refuses files that hold a secret, text or binary, and files that are not there", async () => {
    const key = `AKIA${"B2".repeat(8)}`;
    writeFileSync(join(folder, "key.txt"), `id=${key}\n`);
    writeFileSync(join(folder, "key.bin"), Buffer.concat([Buffer.from([255, 254]), Buffer.from(` ${key} `)]));
    const before = await enqueued();
    const held = await map(["--files", "empty", "key.*", "--", "cat"]);
    assert.deepEqual([held.code, held.out, held.err.includes(key)], [2, "", false]);
    assert.match(
      held.err,
      /^taskfleet: 2 files cannot be pushed, so nothing was\n {2}"key\.bin": payload\.stdinBase64: /,
    );
    assert.match(held.err, /\n {2}"key\.txt": payload\.stdin: holds a secret \(AWS access key id\)/);
    const gone = await map(["--files-from", "-", "--", "cat"], "empty\nsub\ngone\n");
    assert.equal(
      gone.err,
      'taskfleet: 2 files cannot be pushed, so nothing was\n  "sub": it is a folder\n  "gone": no such file\n',
    );
    assert.deepEqual([gone.code, await enqueued()], [2, before]);
  });

  it("asks for files and a command", async () => {
    const none = await map(["--", "cat"]);
    assert.deepEqual(
      [none.code, none.err],
      [2, "taskfleet: say which files: either --files or --files-from\n"],
    );
    const empty = await map(["--files-from", "-", "--", "cat"], "\n");
    assert.deepEqual([empty.code, empty.err], [2, "taskfleet: the list of files is empty\n"]);
    const command = await map(["--files", "empty"]);
    assert.deepEqual(
      [command.code, command.err],
      [2, "taskfleet: missing required argument 'command'\n  See taskfleet map --help.\n"],
    );
  });

  it("maps more files than go in one batch", async () => {
    const names = Array.from({ length: 300 }, (_, at) => (at % 2 === 0 ? "two words.txt" : "empty"));
    const { code, out } = await map(["--files-from", "-", "--", "cat"], names.join("\n"));
    assert.deepEqual([code, out], [0, "spaces".repeat(150)]);
  });

  it("cancels what is left on SIGINT, and ends with 130", async () => {
    const names = Array.from({ length: 8 }, () => "empty");
    const program = ["sh", "-c", "sleep 60"];
    const child = fleet.startCli(["map", "--files-from", "-", "--", ...program], {
      cwd: folder,
      input: names.join("\n"),
    });
    const end = finished(child);
    await waitFor("the pushed tasks", async () => (await fleet.redis.client.xlen(STREAM)) === 8);
    child.kill("SIGINT");
    const { code, out, err } = await end;
    assert.deepEqual(
      [code, out, err],
      [130, "", "taskfleet: interrupted: 8 tasks cancelled, 0 files done\n"],
    );
    await waitFor("an empty queue", async () => (await fleet.redis.client.xlen(STREAM)) === 0);
  });
});
