import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostCommand } from "../../../components/hosts/host-command.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import { local } from "../../../components/targets/local/compile.ts";
import { OUTSIDE_URLS, type OutsideUrl } from "../../../components/targets/outside-urls.ts";
import { fillReferences } from "../../../components/targets/references.ts";
import { buildBundle } from "../../../worker/build.ts";
import { rows, startPostgres, type TestPostgres } from "../../support/postgres-server.ts";
import { CONTEXT } from "./context.ts";

describe("a database elsewhere, set up by the target local", function () {
  this.timeout(60_000);
  let server: TestPostgres;
  let folder: string;
  before(async () => {
    server = await startPostgres();
    folder = mkdtempSync(join(tmpdir(), "taskfleet-outside-"));
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it("has roles and tables by the stack's own command, and its address where spawners look", async () => {
    const url = (role: string) =>
      `postgresql://taskfleet_${role}:pass-of-${role}@127.0.0.1:${server.port}/fleets`;
    const urls: Readonly<Record<OutsideUrl, string>> = {
      ...{ databaseUrl: url("app"), databaseMigrateUrl: url("migrate"), databaseBackupUrl: url("backup") },
      databaseAdminUrl: server.adminUrl(),
    };
    const { directory } = await buildBundle({ outDir: join(folder, "bundles") });
    const at = (name: string) => join(folder, name);
    const paths = { ...CONTEXT.paths, directory: folder, secrets: at("secrets"), logs: at("logs") };
    const document = local.compile(resolveFleet({}, "local"), {
      ...CONTEXT,
      ...{ node: process.execPath, bundle: { ...CONTEXT.bundle, directory } },
      paths: { ...paths, databaseEnv: at("database.env") },
      outsideDatabase: Object.keys(OUTSIDE_URLS) as OutsideUrl[],
    });
    const plan = document.outsideDatabase;
    assert.ok(plan !== null);
    const files = plan.files.map((file) => ({ ...file, content: fillReferences(file.content, urls) }));
    const inputs = { ...plan, files, trigger: "1" };
    const { state } = await hostCommand.create(inputs);
    const named = document.classes[0]?.spawners[0]?.environment.DATABASE_URL_FILE ?? "";
    assert.equal(readFileSync(named, "utf8"), url("app"));
    assert.deepEqual(await rows(readFileSync(named, "utf8"), "SELECT count(*)::int AS n FROM runs"), [
      { n: 0 },
    ]);
    await hostCommand.delete({ ...inputs, ...state });
    assert.equal(existsSync(named), false);
  });
});
