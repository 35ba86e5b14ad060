import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PermanentError } from "../../worker/src/handler.ts";
import { HandlersError } from "../../worker/src/handlers/handlers-error.ts";
import { loadHandlers } from "../../worker/src/handlers/load-handlers.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");
const greet = (kind: string) =>
  `{ kind: "${kind}", version: "1", description: "", payload: {}, run: async () => "hi" }`;

describe("loadHandlers", () => {
  let folder: string;
  beforeEach(() => {
    // Inside the project, so that modules may import its packages.
    folder = mkdtempSync(join(FIXTURES, "made-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const module = (name: string, text: string) => writeFileSync(join(folder, name), text);

  async function problems(): Promise<{ file: string; message: string }[]> {
    try {
      await loadHandlers({ folder });
    } catch (error) {
      assert.ok(error instanceof HandlersError);
      return error.problems.map(({ file, message }) => ({ file: file.replace(`${folder}/`, ""), message }));
    }
    return [];
  }

  it("has the bundled ones without a folder", async () => {
    const handlers = await loadHandlers({ folder: "" });
    assert.deepEqual([...handlers.keys()], ["execute", "http"]);
    assert.equal(handlers.get("execute")?.source, "bundled");
  });

  it("takes one handler or several from each module directly in the folder", async () => {
    module("a.mjs", `export default ${greet("a")};`);
    module("b.ts", `const made: object[] = [${greet("b-1")}, ${greet("b-2")}];\nexport default made;`);
    module("types.d.ts", "export type Nothing = never;");
    module("README.md", "# no module");
    mkdirSync(join(folder, "lib.js"));
    const handlers = await loadHandlers({ folder });
    assert.deepEqual([...handlers.keys()], ["execute", "http", "a", "b-1", "b-2"]);
    assert.equal(handlers.get("a")?.isolation, "event-loop");
    assert.match(handlers.get("b-2")?.source ?? "", /^file:.*\/b\.ts$/);
    assert.equal(await handlers.get("a")?.run({} as never, {} as never), "hi");
  });

  it("gives modules its own copy of the package, also where none is installed", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "taskfleet-handlers-"));
    try {
      const text = `import { PermanentError } from "@taskfleet/worker/handler";
export default { ...${greet("a")}, run: async () => PermanentError };`;
      writeFileSync(join(elsewhere, "a.ts"), text);
      const handlers = await loadHandlers({ folder: elsewhere });
      assert.equal(await handlers.get("a")?.run({} as never, {} as never), PermanentError);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("lets a handler be an object that knows itself", async () => {
    module(
      "a.mjs",
      `export default { ...${greet("a")}, greeting: "hello", async run() { return this.greeting; } };`,
    );
    const handlers = await loadHandlers({ folder });
    assert.equal(await handlers.get("a")?.run({} as never, {} as never), "hello");
  });

  it("names every file and everything that is wrong with it at once", async () => {
    module("a.mjs", `export default { ...${greet("two words")}, version: 7, isolation: "process" };`);
    module("b.mjs", "export const other = 1;");
    module("c.mjs", "throw new Error('boom');");
    module("d.mjs", `export default { ...${greet("d")}, payload: { type: "strnig" }, timeoutMs: -1 };`);
    module("e.ts", "export default {{{");
    const found = await problems();
    const of = (file: string) =>
      found.filter((problem) => problem.file === file).map(({ message }) => message);
    assert.deepEqual(of("a.mjs"), [
      'kind is "two words"; allowed: 1 to 64 characters of a-z A-Z 0-9 . _ -',
      'version is 7; allowed: text such as "1.0.0"',
      'isolation is "process"; allowed: event-loop, thread',
    ]);
    assert.deepEqual(of("b.mjs"), [
      "exports missing; allowed: a handler (see defineHandler) or an array of them",
    ]);
    assert.deepEqual(of("c.mjs"), ["Error: boom"]);
    assert.match(of("d.mjs")[0] ?? "", /^payload is no JSON Schema of draft-07 or 2019-09: .*type/);
    assert.equal(of("d.mjs")[1], "timeoutMs is -1; allowed: a positive number, or leave it out");
    assert.equal(of("e.ts").length, 1);
    assert.equal(found.length, 8);
  });

  it("takes limits, and names what is wrong with them", async () => {
    const limited = (name: string, limits: string) =>
      module(name, `export default { ...${greet(name.slice(0, 1))}, limits: ${limits} };`);
    limited("a.mjs", "{ concurrency: 4, rate: { tasks: 100, perMs: 60_000 } }");
    limited("b.mjs", "{ concurrency: 0 }");
    limited("c.mjs", "{ rate: { tasks: 1 } }");
    limited("d.mjs", "4");
    limited("e.mjs", "{ rate: 4 }");
    const forms =
      "allowed: { concurrency?: number, rate?: { tasks: number, perMs: number } }, or leave it out";
    assert.deepEqual(
      (await problems()).map(({ file, message }) => `${file}: ${message}`),
      [
        'b.mjs: limits.concurrency is wrong in {"concurrency":0}; allowed: a whole number from 1 to 100000',
        'c.mjs: limits.rate.perMs is wrong in {"rate":{"tasks":1}}; allowed: a whole number from 1 to 86400000',
        `d.mjs: limits is 4; ${forms}`,
        `e.mjs: limits is {"rate":4}; ${forms}`,
      ],
    );
    for (const name of ["b", "c", "d", "e"]) rmSync(join(folder, `${name}.mjs`));
    const handlers = await loadHandlers({ folder });
    assert.deepEqual(handlers.get("a")?.limits, { concurrency: 4, rate: { tasks: 100, perMs: 60_000 } });
  });

  it("refuses a kind that is taken, also by a bundled handler", async () => {
    module("a.mjs", `export default ${greet("same")};`);
    module("b.mjs", `export default [${greet("same")}, ${greet("execute")}];`);
    const found = await problems();
    assert.deepEqual(
      found.map(({ file }) => file),
      ["b.mjs", "b.mjs"],
    );
    assert.match(found[0]?.message ?? "", /^kind "same" is already that of .*a\.mjs; give it another$/);
    assert.match(found[1]?.message ?? "", /^kind "execute" is already that of bundled/);
  });

  it("says that the folder is not there", async () => {
    await assert.rejects(
      loadHandlers({ folder: join(folder, "no") }),
      /no: the folder cannot be read \(ENOENT\)/,
    );
  });
});
