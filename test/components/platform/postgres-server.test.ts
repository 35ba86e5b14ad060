import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPostgres } from "../../../components/platform/postgres-server.ts";

describe("finding PostgreSQL", () => {
  const directory = mkdtempSync(join(tmpdir(), "taskfleet-find-"));
  after(() => rmSync(directory, { recursive: true }));

  function folder(name: string, programs: readonly string[]): string {
    const path = join(directory, name);
    mkdirSync(path, { recursive: true });
    for (const program of programs) writeFileSync(join(path, program), "", { mode: 0o755 });
    return path;
  }

  const lone = folder("lone", ["postgres"]);
  const own = folder("own", ["postgres", "initdb", "psql"]);
  const packaged = folder("15/bin", ["postgres", "initdb"]);

  it("passes over a folder that has `postgres` without `initdb`", () => {
    assert.equal(findPostgres(lone, []), undefined);
    assert.deepEqual(findPostgres(`:${lone}:${own}`, []), {
      directory: own,
      postgres: join(own, "postgres"),
      initdb: join(own, "initdb"),
    });
  });

  it("prefers PATH to the folders of packages", () => {
    assert.equal(findPostgres(`${lone}:/nowhere`, ["/none", packaged])?.directory, packaged);
    assert.equal(findPostgres(own, [packaged])?.directory, own);
    assert.equal(findPostgres("", []), undefined);
  });
});
