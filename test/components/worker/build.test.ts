import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { buildBundle } from "../../../worker/build.ts";

describe("the worker's bundle", () => {
  const outDir = mkdtempSync(join(tmpdir(), "taskfleet-bundles-"));
  after(() => rmSync(outDir, { recursive: true }));

  it("is the same for the same sources, and is not written twice", async () => {
    const first = await buildBundle({ outDir });
    const written = statSync(first.directory).ctimeMs;
    const elsewhere = mkdtempSync(join(tmpdir(), "taskfleet-bundles-"));
    const [again, other] = [await buildBundle({ outDir }), await buildBundle({ outDir: elsewhere })];
    rmSync(elsewhere, { recursive: true });
    assert.match(first.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(`sha256:${basename(first.directory)}`, first.digest);
    assert.deepEqual([again, other.digest], [first, first.digest]);
    assert.equal(statSync(first.directory).ctimeMs, written);
    assert.deepEqual(readdirSync(outDir), [basename(first.directory)]);
  });

  it("runs by itself, with its scripts beside it", async () => {
    const { directory } = await buildBundle({ outDir });
    const names = readdirSync(directory);
    assert.ok(["main.mjs", "handler-thread.mjs", "lua"].every((name) => names.includes(name)));
    const sources = readdirSync(join(import.meta.dirname, "../../../worker/src/adapters/redis/lua"), {
      recursive: true,
    });
    assert.deepEqual(readdirSync(join(directory, "lua"), { recursive: true }).toSorted(), sources.toSorted());
    const help = execFileSync(process.execPath, [join(directory, "main.mjs"), "--help"], {
      cwd: outDir,
      encoding: "utf8",
    });
    assert.match(help, /^Usage: taskfleet /);
  });

  it("holds no path of the machine that built it", async () => {
    const { directory } = await buildBundle({ outDir });
    const root = join(import.meta.dirname, "../../..");
    const modules = readdirSync(directory).filter((name) => name.endsWith(".mjs"));
    assert.deepEqual(
      modules.filter((name) => readFileSync(join(directory, name), "utf8").includes(root)),
      [],
    );
  });
});
