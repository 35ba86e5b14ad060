import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EnvironmentSource } from "../../worker/src/adapters/secrets/environment.ts";
import { fileSource } from "../../worker/src/adapters/secrets/file.ts";
import type { SecretSource } from "../../worker/src/ports/secret-source.ts";
import { openSecrets } from "../../worker/src/secrets/open-secrets.ts";
import { Secrets, type SecretsOptions } from "../../worker/src/secrets/secrets.ts";
import { SecretsError } from "../../worker/src/secrets/secrets-error.ts";
import { waitFor } from "../support/wait.ts";

/** Longer than a test: what comes in time was told by a watch. */
const NEVER_MS = 3_600_000;

describe("Secrets", () => {
  let folder: string;
  const opened: Secrets[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-secrets-"));
  });
  afterEach(() => {
    for (const secrets of opened.splice(0)) secrets.stop();
    rmSync(folder, { recursive: true });
  });

  async function open(sources: readonly SecretSource[], options: Partial<SecretsOptions> = {}) {
    const given = { sources, refreshMs: NEVER_MS, now: Date.now, guarded: [], ...options };
    const secrets = await Secrets.open(given);
    opened.push(secrets);
    const told: string[] = [];
    secrets.report({
      rotated: (name) => told.push(`rotated ${name}`),
      failed: (source, error) => told.push(`failed ${source}: ${(error as Error).message}`),
    });
    return { secrets, told };
  }

  const file = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it("takes the environment before its file, and the environment before other sources", async () => {
    const all = fileSource(
      file("all.json", '{"A_KEY": "json-a", "B_KEY": "json-b", "C_KEY": "json-c"}'),
      "ALL",
    );
    const path = file("b", "file-b\n");
    const environment = new EnvironmentSource([
      { A_KEY: "env-a", A_KEY_FILE: join(folder, "none"), B_KEY_FILE: path },
      { A_KEY: "dot-env-a", D_KEY: "dot-env-d" },
    ]);
    const { secrets } = await open([environment, all]);
    await secrets.need(["A_KEY", "B_KEY", "C_KEY", "D_KEY"]);
    const values = ["A_KEY", "B_KEY", "C_KEY", "D_KEY", "E_KEY"].map((name) => secrets.get(name));
    assert.deepEqual(values, ["env-a", "file-b", "json-c", "dot-env-d", undefined]);
    assert.throws(() => secrets.require("E_KEY"), /E_KEY is not set/);
  });

  it("guards what of a secret is one by itself: passwords in URLs, lines of keys, secret fields of JSON", async () => {
    // In parts: nobody may take this file for one that holds a key.
    const begin = ["-----BEGIN", "PRIVATE KEY-----"].join(" ");
    const key = `${begin}\n${"A".repeat(64)}\n${"B".repeat(20)}\nshort\n-----END PRIVATE KEY-----`;
    const account = JSON.stringify({
      type: "service_account",
      private_key: key,
      deep: [{ token: "tok-12345" }],
    });
    const { secrets } = await open([
      new EnvironmentSource([{ MONGO_URL: "mongodb://app:s%40cret@db/x", SERVICE_ACCOUNT: account }]),
    ]);
    await secrets.need(["MONGO_URL", "SERVICE_ACCOUNT"]);
    assert.deepEqual(secrets.values(), [
      ...["mongodb://app:s%40cret@db/x", "s%40cret", "s@cret"],
      ...[account, key, "A".repeat(64), "B".repeat(20), "tok-12345"],
    ]);
  });

  it("fails at start with every source that cannot be read, and no value", async () => {
    const empty = file("empty", "\n");
    const sources = [fileSource(empty, "E"), fileSource(join(folder, "no"), "N")];
    const lines = [
      `file:${empty}: ${empty} is empty`,
      `file:${folder}/no: ${folder}/no cannot be read (ENOENT)`,
    ];
    await assert.rejects(Secrets.open({ sources, refreshMs: 1, now: Date.now, guarded: [] }), (error) => {
      assert.ok(error instanceof SecretsError);
      assert.deepEqual(error.problems.toSorted(), lines.toSorted());
      return true;
    });
  });

  it("fails at start when a successor has no date", async () => {
    const source = new EnvironmentSource([{ X_API_KEY: "old-value", X_API_KEY_NEW: "new-value" }]);
    const { secrets } = await open([source]);
    await assert.rejects(secrets.need(["X_API_KEY"]), /X_API_KEY_NEW is set, and nothing says from when/);
  });

  it("changes to the successor at its date, says so once, and goes on guarding both", async () => {
    let now = Date.UTC(2026, 11, 1) - 1;
    const environment = new EnvironmentSource([
      { OPENAI_API_KEY: "old-key", OPENAI_API_KEY_NEW: "new-key", OPENAI_KEY_ROTATION_DATE: "2026-12-01" },
    ]);
    const { secrets, told } = await open([environment], { now: () => now });
    await secrets.need(["OPENAI_API_KEY"]);
    assert.deepEqual([secrets.get("OPENAI_API_KEY"), told], ["old-key", []]);
    now += 1;
    assert.deepEqual([secrets.get("OPENAI_API_KEY"), secrets.get("OPENAI_API_KEY")], ["new-key", "new-key"]);
    assert.deepEqual(told, ["rotated OPENAI_API_KEY"]);
    assert.deepEqual(secrets.values(), ["old-key", "new-key"]);
    assert.deepEqual(secrets.names(), ["OPENAI_API_KEY"]);
  });

  it("sees a file that Kubernetes swaps, by its watch alone", async () => {
    const publish = (version: string, text: string) => {
      mkdirSync(join(folder, version));
      writeFileSync(join(folder, version, "key"), text);
      symlinkSync(version, join(folder, "..data_tmp"));
      renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    publish("..v1", "first-key");
    symlinkSync("..data/key", join(folder, "key"));
    const environment = new EnvironmentSource([{ OPENAI_API_KEY_FILE: join(folder, "key") }]);
    const { secrets, told } = await open([environment]);
    await secrets.need(["OPENAI_API_KEY"]);
    assert.equal(secrets.get("OPENAI_API_KEY"), "first-key");
    publish("..v2", "second-key");
    await waitFor("the second key", () => secrets.get("OPENAI_API_KEY") === "second-key");
    assert.deepEqual(told, ["rotated OPENAI_API_KEY"]);
    assert.deepEqual(secrets.values(), ["first-key", "second-key"]);
  });

  it("keeps what it has when a source fails later, says so, and recovers", async () => {
    const path = file("all.json", '{"A_KEY": "first-a"}');
    const { secrets, told } = await open([{ ...fileSource(path, "ALL"), changes: "poll" as const }]);
    rmSync(path);
    await secrets.refresh();
    assert.equal(secrets.get("A_KEY"), "first-a");
    assert.equal(told[0], `failed file:${path}: ${path} cannot be read (ENOENT)`);
    const before = told.length;
    file("all.json", '{"A_KEY": "second-a"}');
    await secrets.refresh();
    assert.equal(secrets.get("A_KEY"), "second-a");
    assert.ok(told.slice(before).includes("rotated A_KEY"));
  });

  it("reads sources that can change again and again, and tells whoever listens", async () => {
    let value = "first-value";
    const source: SecretSource = {
      name: "test",
      changes: "poll",
      read: async () => new Map([["A_KEY", value]]),
    };
    const { secrets } = await open([source], { refreshMs: 5 });
    const heard: (string | undefined)[] = [];
    secrets.onChange(() => heard.push(secrets.get("A_KEY")));
    value = "second-value";
    await waitFor("the change", () => heard.length > 0);
    assert.deepEqual(heard, ["second-value"]);
  });

  it("guards what is named like a secret, but no short words and no dates", async () => {
    const environment = new EnvironmentSource([
      { STRIPE_KEY: "sk_something", SHORT_KEY: "abc", PATH: "/usr/bin", X_TOKEN_NEW: "later-token" },
    ]);
    const all = file("all.json", '{"engine": "pg", "password": "hush", "A_ROTATION_DATE": "2026-12-01"}');
    const { secrets } = await open([environment, fileSource(all, "ALL")], { guarded: ["redis"] });
    const before = secrets.values();
    assert.deepEqual([...before].sort(), ["hush", "later-token", "redis", "sk_something"]);
    await secrets.refresh();
    assert.equal(secrets.values(), before, "the same array while nothing changed");
  });
});

describe("openSecrets", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-secrets-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const settings = {
    redisUrl: "redis://h",
    redisPassword: "",
    databaseUrl: "",
    secretSources: [] as string[],
    secretRefresh: 60,
  };

  it("fills settings that only a source has, and guards them and their passwords", async () => {
    const path = join(folder, "all.json");
    const databaseUrl = "postgresql://u:pass-word@h/d";
    writeFileSync(path, JSON.stringify({ REDIS_PASSWORD: "from-source", DATABASE_URL: databaseUrl }));
    const given = { ...settings, secretSources: [`file:${path}`] };
    const spawner = await openSecrets({}, given, "spawner", folder);
    assert.equal(spawner.settings.redisPassword, "from-source");
    assert.equal(spawner.settings.databaseUrl, databaseUrl);
    assert.deepEqual([...spawner.secrets.values()].sort(), ["from-source", "pass-word", databaseUrl].sort());
    spawner.secrets.stop();
    const worker = await openSecrets({}, given, "worker", folder);
    assert.equal(worker.settings.databaseUrl, "", "no setting of another role");
    worker.secrets.stop();
  });

  it("leaves what the environment sets", async () => {
    const path = join(folder, "redis-password");
    writeFileSync(path, "from-source");
    const given = { ...settings, redisPassword: "own", secretSources: [`file:${path}`] };
    const { settings: filled, secrets } = await openSecrets({}, given, "worker", folder);
    assert.equal(filled.redisPassword, "own");
    secrets.stop();
  });
});
