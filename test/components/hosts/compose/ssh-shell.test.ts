import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sshOptions } from "../../../../components/hosts/compose/ssh-shell.ts";

describe("the sockets of connections that commands share", () => {
  const before = process.env.TMPDIR;
  const host = { kind: "ssh", destination: "ada@host", port: 0, identityFile: "" } as const;
  let folder: string;
  let own: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-control-"));
    process.env.TMPDIR = folder;
    own = join(folder, `taskfleet-ssh-${process.getuid?.() ?? 0}`);
  });
  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  });

  const refusal = () => ({
    message: `${own}: it is no folder of this user alone, as connections of ssh need: remove it`,
  });

  it("lie in a folder of this user", () => {
    assert.ok(sshOptions(host).includes(`ControlPath=${own}/%C`));
  });

  it("lie in none that others may enter", () => {
    mkdirSync(own);
    chmodSync(own, 0o755);
    assert.throws(() => sshOptions(host), refusal());
  });

  it("lie in none that a link leads to", () => {
    mkdirSync(join(folder, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(folder, "elsewhere"), own);
    assert.throws(() => sshOptions(host), refusal());
  });
});
