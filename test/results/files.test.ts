import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ResultRecord } from "../../worker/contract/records.ts";
import { ResultFiles } from "../../worker/src/adapters/files/result-files.ts";
import {
  isReference,
  parseResultFileName,
  resultFileName,
  slotEnd,
  slotFolder,
} from "../../worker/src/adapters/files/result-names.ts";
import { RedisResultStore } from "../../worker/src/adapters/redis/result-store.ts";
import { ResultUnreadableError } from "../../worker/src/core/errors.ts";
import { LEASE_OVER, resultOf, type TestQueue, withQueue } from "../support/queue.ts";
import {
  filesIn,
  NOW,
  reader,
  remount,
  saving,
  smallFileSystem,
  sweep,
  unmount,
  withFolder,
} from "./support.ts";

const HOLDER = fileURLToPath(new URL("support/result-holder.ts", import.meta.url));
const PLACE = { stream: "s", priority: "normal", entryId: "12-3" } as const;
/** First 16 digits of SHA-256 of `w`. */
const W = "50e721e49c013f00";

describe("names of results' files", () => {
  it("are made of the task's id, its entry and its writer", () => {
    assert.equal(resultFileName("a-1_B.c", PLACE, "w"), `a-1_B.c~n12-3~${W}.json`);
    assert.equal(resultFileName("a:1", { ...PLACE, priority: "high" }, "w"), `a%3a1~h12-3~${W}.json`);
  });

  it("are safe and read back, whatever an id holds", () => {
    for (const id of ["../../etc/passwd", "a/b", "a~n1-1", "ü%", "a\0b", "", ".", "..", "x".repeat(5_000)]) {
      const name = resultFileName(id, { ...PLACE, priority: "low" }, "w");
      assert.match(name, /^[A-Za-z0-9._%-]+~l12-3~[0-9a-f]{16}\.json$/);
      assert.ok(name.length <= 200, name);
      const known = id.length <= 50 && !/^\.*$/.test(id) ? id : null;
      assert.deepEqual(parseResultFileName(name), { id: known, priority: "low", entryId: "12-3" });
    }
    const long = "x".repeat(200);
    assert.notEqual(resultFileName(`${long}a`, PLACE, "w"), resultFileName(`${long}b`, PLACE, "w"));
  });

  it("share a folder for ten minutes", () => {
    assert.equal(slotFolder(NOW), "2026-11-28T1340");
    assert.equal(slotEnd("2026-11-28T1340"), Date.UTC(2026, 10, 28, 13, 50));
    assert.equal(slotEnd("lost+found"), undefined);
  });

  it("of other files are told apart", () => {
    for (const name of ["notes.txt", `a~n1-1~${W}.json.tmp`, "a~x1-1~0.json", `~n1-1~${W}.json`])
      assert.equal(parseResultFileName(name), undefined);
  });

  it("never lead out of the folder", () => {
    assert.equal(isReference(`s/2026-11-28T1340/a~n12-3~${W}.json`), true);
    for (const file of [
      "/etc/passwd.json",
      "../2026-11-28T1340/a.json",
      "s/../a.json",
      "s/2026-11-28T1340/../a.json",
      "./2026-11-28T1340/a.json",
      "s/2026-11-28T1340/a.txt",
    ])
      assert.equal(isReference(file), false, file);
  });
});

describe("a result of more than Redis should hold", () => {
  it("is not kept there", async () => {
    const task = { ...PLACE, id: "a", kind: "k", deliveryCount: 1, payloadText: "", options: {} };
    const full = { ...task, enqueuedAt: 1, attempts: 0, deliveries: 0, errors: [] };
    const result = resultOf(full, { output: "x".repeat(128 * 1024 ** 2) });
    const [kept] = await new RedisResultStore().save([{ task, result }]);
    assert.match(
      (kept as { failure: string }).failure,
      /^it has 1342\d{5} characters as JSON, and at most 134217728 are kept$/,
    );
  });
});

describe("results as files", () => {
  let queue: TestQueue;
  let folder: string;
  withQueue((opened) => {
    queue = opened;
  });
  withFolder((made) => {
    folder = made;
  });
  const store = () => new ResultFiles({ directory: folder, workerId: "w", now: () => NOW });
  const settleOne = async (output: unknown, id = "a") => {
    const consumer = queue.consumer("w");
    await queue.push({ id });
    const task = await queue.take(consumer);
    const { settle, unsaved } = saving(store(), consumer);
    assert.deepEqual(await settle([{ task, result: resultOf(task, { output }), runtimeMs: 1 }]), [true]);
    return { task, unsaved };
  };
  const resultText = async (id = "a") => JSON.parse((await queue.redis.get(queue.keys.results + id)) ?? "");
  const read = async (id = "a"): Promise<ResultRecord> => {
    const [outcome] = await reader(queue, folder).read([id]);
    assert.equal(outcome?.state, "settled");
    return (outcome as { result: ResultRecord }).result;
  };

  it("are whole, readable by owner and group, and named in Redis, which has no output", async () => {
    const mask = process.umask(0o022);
    try {
      const { task } = await settleOne({ big: 1 });
      const file = `${queue.stream}/2026-11-28T1340/a~n${task.entryId}~${W}.json`;
      assert.deepEqual(filesIn(folder), [file]);
      assert.deepEqual(
        JSON.parse(readFileSync(join(folder, file), "utf8")),
        resultOf(task, { output: { big: 1 } }),
      );
      const modes = ["", "..", "../.."].map((up) => statSync(join(folder, file, up)).mode & 0o777);
      assert.deepEqual(modes, [0o640, 0o750, 0o750]);
      const { output, ...head } = resultOf(task);
      assert.deepEqual(await resultText(), { ...head, stored: { backend: "fs", file } });
    } finally {
      process.umask(mask);
    }
  });

  it("cannot be read without their folder, or with another", async () => {
    const { task } = await settleOne("x");
    await assert.rejects(
      reader(queue, "").read(["a"]),
      new ResultUnreadableError("a", `${queue.stream}/2026-11-28T1340/a~n${task.entryId}~${W}.json`, null),
    );
    const elsewhere = join(folder, "elsewhere");
    await assert.rejects(reader(queue, elsewhere).read(["a"]), /cannot be read in .*elsewhere: ENOENT/);
    mkdirSync(elsewhere);
    const [outcome] = await reader(queue, elsewhere).read(["a"]);
    assert.equal(outcome?.state === "settled" && outcome.result.status, "error");
  });

  it("say so when the file is gone, damaged, or another task's", async () => {
    await settleOne("x");
    const { file } = (await resultText()).stored as { file: string };
    const path = join(folder, file);
    const why = async () => (await read()).error;
    writeFileSync(path, '{"v":1,');
    assert.deepEqual(await why(), {
      message: `what it returned was kept in ${file}, which is damaged`,
      reason: "result",
    });
    writeFileSync(path, '{"v":1,"id":"b","output":"secret"}');
    assert.match((await why())?.message ?? "", /which is the result of b$/);
    rmSync(path);
    assert.match((await why())?.message ?? "", /and is not there any more$/);
    const text = JSON.stringify({
      ...(await resultText()),
      stored: { backend: "fs", file: "../../etc/x.json" },
    });
    await queue.redis.set(`${queue.keys.results}a`, text);
    assert.match((await why())?.message ?? "", /which is no name of a result's file$/);
  });

  it("leave no draft: those of killed writers are swept, and folders that are empty", async () => {
    await settleOne("x");
    const slot = join(folder, queue.stream, "2026-11-28T1340");
    writeFileSync(join(slot, "a~n1-1~0.json.tmp"), "{");
    writeFileSync(join(slot, "README"), "a stranger's");
    await queue.redis.del(`${queue.keys.results}a`);
    assert.equal(await sweep(store(), queue, NOW + 600_000), 1);
    assert.deepEqual(filesIn(folder), [`${queue.stream}/2026-11-28T1340/README`]);
    rmSync(join(slot, "README"));
    assert.equal(await sweep(store(), queue, NOW + 600_000), 0);
    assert.throws(() => statSync(slot), { code: "ENOENT" });
  });

  it("of a foreign task with a long id are swept too", async () => {
    const id = "y".repeat(400);
    const result = { ...resultOf({ id } as never), id, output: 1 };
    await store().save([{ task: { ...PLACE, stream: queue.stream }, result }]);
    await queue.redis.hset(queue.keys.index, id, "12-3");
    assert.equal(await sweep(store(), queue, NOW + 600_000), 0);
    await queue.redis.hdel(queue.keys.index, id);
    assert.equal(await sweep(store(), queue, NOW + 600_000), 1);
  });

  it("survive a kill between file and settle: the next attempt's counts, the other file goes", async () => {
    await queue.push({ id: "a" });
    const child = spawn(process.execPath, [HOLDER, queue.server.url, queue.stream, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString(), "saved\n");
    child.kill("SIGKILL");
    await once(child, "exit");
    const [left] = filesIn(folder);
    assert.deepEqual(await reader(queue, folder).read(["a"]), [{ state: "open" }]);
    assert.deepEqual((await queue.keeper.reclaim(LEASE_OVER)).requeued, ["a"]);
    const consumer = queue.consumer("w");
    const task = await queue.take(consumer);
    const result = resultOf(task, { output: "second" });
    assert.deepEqual(await saving(store(), consumer).settle([{ task, result, runtimeMs: 1 }]), [true]);
    assert.equal((await read()).output, "second");
    assert.equal(filesIn(folder).length, 2);
    assert.equal(await sweep(store(), queue, NOW + 600_000), 1);
    assert.equal(filesIn(folder).includes(left ?? ""), false);
    assert.equal((await read()).output, "second");
  });

  describe("on a file system that is full", () => {
    let reason: string | undefined;
    beforeEach(function () {
      reason = smallFileSystem(folder, 256 * 1024);
      if (reason !== undefined) {
        process.stdout.write(`      not tested here: a full file system: ${reason}\n`);
        this.skip();
      }
    });
    afterEach(() => {
      if (reason === undefined) unmount(folder);
    });

    it("are an error that can be read and is counted; the task is not gone, and goes on afterwards", async () => {
      const { unsaved } = await settleOne("x".repeat(1_000_000));
      const { status, error, output } = await read();
      assert.deepEqual([status, error?.reason, output], ["error", "result", undefined]);
      assert.match(
        error?.message ?? "",
        /^its result could not be kept \(fs\): ENOSPC: no space left on device/,
      );
      assert.equal(unsaved.length, 1);
      assert.equal((await queue.stats())["unsaved:fs"], "1");
      assert.deepEqual(filesIn(folder), []);
      assert.equal(await queue.redis.xlen(queue.stream), 0);
      await settleOne("fits", "b");
      assert.equal((await read("b")).output, "fits");
    });

    it("and on one that is read-only, are the same", async () => {
      remount(folder, "ro");
      await settleOne("x");
      remount(folder, "rw");
      assert.match(
        (await read()).error?.message ?? "",
        /could not be kept \(fs\): EROFS: read-only file system/,
      );
    });
  });
});
