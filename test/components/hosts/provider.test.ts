import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostProvider } from "../../../components/hosts/provider.ts";
import { hasSecret, hasUnknown, secret, storable, unwrap } from "../../../components/hosts/raw-values.ts";
import { RESOURCE_TYPES } from "../../../components/hosts/resource-tokens.ts";

const MARK = "4dabf18193072939515e22adb298388d";
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const output = (fields: object) => ({ [MARK]: "d0e6a833031e9bbcd3f4e8bde6ca49a4", ...fields });
const urn = (type: string) => `urn:pulumi:local::taskfleet::taskfleet:local:Fleet$${type}::name`;

describe("values as the engine sends them", () => {
  it("are read through secrets and outputs, at any depth", () => {
    const raw = { a: secret("s"), b: [output({ value: { c: secret(1) } })], d: output({}) };
    assert.deepEqual(unwrap(raw), { a: "s", b: [{ c: 1 }], d: UNKNOWN });
  });

  it("keep what is secret when they are stored", () => {
    const raw = { a: secret("s"), b: output({ value: "p", secret: true }), c: output({ value: "q" }), d: 1 };
    assert.deepEqual(storable(raw), { a: secret("s"), b: secret("p"), c: "q", d: 1 });
  });

  it("tell whether a secret or an unknown is among them", () => {
    assert.deepEqual([hasSecret([{ a: secret(1) }]), hasSecret({ a: ["s"] })], [true, false]);
    assert.deepEqual(
      [hasUnknown({ a: [UNKNOWN] }), hasUnknown(output({})), hasUnknown("no")],
      [true, true, false],
    );
  });
});

describe("the provider", () => {
  const { check, diff, create, read, update } = hostProvider;
  assert.ok(check && diff && create && read && update && hostProvider.delete);
  const process = {
    name: "server",
    directory: "/state",
    command: "/bin/true",
    args: ["{port}"],
    environment: { URL: "redis://h" },
    files: [],
    port: { kind: "preferred", port: 7000 },
    ready: { kind: "http", path: "/", timeoutSeconds: 1 },
    stop: { signal: "SIGTERM", timeoutSeconds: 1 },
    log: "/state/log",
    data: [],
    deleteData: false,
  };

  it("accepts good inputs as they came, and names what is wrong with others", async () => {
    const good = { ...process, files: [{ path: "/f", content: secret("s"), mode: "0600" }] };
    assert.deepEqual(await check(urn(RESOURCE_TYPES.process), {}, good), { inputs: good, failures: [] });
    const bad = { ...process, directory: "here", stop: { signal: "SIGKILL", timeoutSeconds: 1 } };
    const { failures } = await check(urn(RESOURCE_TYPES.process), {}, bad);
    assert.deepEqual(failures, [
      { property: "directory", reason: 'got "here"; allowed: an absolute path' },
      { property: "stop", reason: 'got "SIGKILL"; allowed: SIGTERM, SIGINT, SIGQUIT' },
    ]);
  });

  it("refuses a secret in an argument", async () => {
    const { failures } = await check(urn(RESOURCE_TYPES.process), {}, { ...process, args: [secret("s")] });
    assert.deepEqual(failures, [
      { property: "args", reason: "holds a secret, which others could read there: put it in a file" },
    ]);
  });

  it("sees a changed secret, and no change where only the marks differ", async () => {
    const state = {
      running: true,
      pid: 1,
      startTime: 1,
      boundPort: 7000,
      address: "127.0.0.1:7000",
      filesIntact: true,
    };
    const withFile = (content: unknown) => ({ ...process, files: [{ path: "/f", content, mode: "0600" }] });
    const olds = { ...withFile(secret("one")), ...state };
    const changes = async (news: unknown) =>
      (await diff("server", urn(RESOURCE_TYPES.process), olds, news)).changes;
    assert.equal(await changes(withFile(output({ value: "one", secret: true }))), false);
    assert.equal(await changes(withFile(secret("two"))), true);
    assert.equal(await changes(withFile(UNKNOWN)), true);
  });

  it("makes a secret that is stored as one and stays the same", async () => {
    const { id, outs } = await create(urn(RESOURCE_TYPES.secret), { bytes: 32 });
    assert.equal(outs.value[MARK], "1b47061264138c4ac30d75fd1eb44270");
    assert.match(outs.value.value, /^[\w-]{43}$/);
    const { props } = await read(id, urn(RESOURCE_TYPES.secret), outs);
    assert.deepEqual(props, outs);
    assert.deepEqual(await diff(id, urn(RESOURCE_TYPES.secret), outs, { bytes: 32 }), {
      changes: false,
      replaces: [],
      deleteBeforeReplace: true,
    });
    const longer = await diff(id, urn(RESOURCE_TYPES.secret), outs, { bytes: 64 });
    assert.deepEqual(longer.replaces, ["bytes"]);
  });

  it("makes a run directory for this user only", async () => {
    const parent = mkdtempSync(join(tmpdir(), "taskfleet-run-"));
    const directory = join(parent, "run");
    await create(urn(RESOURCE_TYPES.workers), { directory, stopTimeoutSeconds: 1 });
    assert.equal(statSync(directory).mode & 0o777, 0o700);
    rmSync(parent, { recursive: true });
  });

  it("knows no other types", async () => {
    await assert.rejects(create(urn("taskfleet:host:Machine"), {}), {
      message:
        "the provider has no resource type taskfleet:host:Machine; it has taskfleet:host:Process, taskfleet:host:Secret, taskfleet:host:File, taskfleet:host:Command, taskfleet:host:Workers, taskfleet:host:ComposeProject",
    });
  });
});
