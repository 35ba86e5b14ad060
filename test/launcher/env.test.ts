import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { CommandError } from "../../components/cli/command-error.ts";
import { stackEnvironment, withStack } from "../../components/cli/environment.ts";
import { shellExports } from "../../components/cli/shell.ts";
import { checkStackName } from "../../components/cli/stack-name.ts";
import { assertTarget } from "../../components/cli/stack-target.ts";
import { PATHS, stackPaths } from "../../components/paths.ts";
import { shellQuote } from "../../components/shell-quote.ts";

const UNSET = /^(TASKFLEET_|PULUMI_|REDIS)/;

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNSET.test(name)));
}

/** What a shell has after `eval "$(taskfleet env ...)"`, by `print`, and what the command said on stderr. */
function evaluated(shell: string, words: string, print: string, environment = cleanEnvironment()) {
  const script = `eval "$(${shellQuote(PATHS.launcher)} env ${words})" && ${print}`;
  const { stdout, stderr, status } = spawnSync(shell, ["-c", script], {
    encoding: "utf8",
    cwd: "/",
    env: environment,
  });
  assert.equal(status, 0, stderr);
  return { stdout, stderr };
}

describe("taskfleet env", () => {
  const stack = `env-test-${process.pid}`;
  const { directory, clientEnv } = stackPaths(stack);
  const password = ["it's", '"$HOME"', "`x`"].join(" ");
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-env-"));
    mkdirSync(directory, { recursive: true });
    const passwordFile = join(folder, "my #1 'project'", "redis-password");
    mkdirSync(dirname(passwordFile));
    writeFileSync(passwordFile, `${password}\n`);
    const lines = ["REDIS_URL=redis://127.0.0.1:7002", `REDIS_PASSWORD_FILE=${passwordFile}`];
    writeFileSync(clientEnv, `${lines.join("\n")}\n`);
  });

  after(() => {
    rmSync(directory, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  });

  for (const shell of ["bash", "sh"]) {
    it(`can be evaluated in ${shell}, whatever the values hold`, () => {
      const print = `printf '%s\\n' "$REDIS_URL" "$REDISCLI_AUTH" "$TASKFLEET_STACK" "$PULUMI_BACKEND_URL"`;
      const { stdout, stderr } = evaluated(shell, `-s ${stack}`, print);
      const expected = ["redis://127.0.0.1:7002", password, stack, `file://${PATHS.pulumiBackend}`];
      assert.equal(stdout, `${expected.join("\n")}\n`);
      assert.equal(stderr, "");
    });
  }

  it("gives psql and curl their secrets themselves, and no command two of one", () => {
    const { databaseEnv, apiEnv } = stackPaths(stack);
    const secret = join(folder, "a secret");
    writeFileSync(secret, "its value\n");
    writeFileSync(databaseEnv, `PGHOST=127.0.0.1\nPGPORT=5433\nPGPASSWORD_FILE=${secret}\n`);
    writeFileSync(apiEnv, `TASKFLEET_API_URL=http://h:1\nTASKFLEET_API_KEY_FILE=${secret}\n`);
    const names = ["PGHOST", "PGPORT", "PGPASSWORD", "TASKFLEET_API_URL", "TASKFLEET_API_KEY"];
    const print = `printf '%s\\n' ${names.map((name) => `"$${name}"`).join(" ")}; env | grep -c 'PGPASSWORD_FILE\\|API_KEY_FILE' || true`;
    try {
      assert.equal(
        evaluated("sh", `-s ${stack}`, print).stdout,
        "127.0.0.1\n5433\nits value\nhttp://h:1\nits value\n0\n",
      );
      const shell = { PGPASSWORD: "old", DATABASE_URL: "other", KEPT: "yes" };
      const { PGPASSWORD, PGPASSWORD_FILE, DATABASE_URL, KEPT } = withStack(shell, stackEnvironment(stack));
      assert.deepEqual(
        [PGPASSWORD, PGPASSWORD_FILE, DATABASE_URL, KEPT],
        [undefined, secret, undefined, "yes"],
      );
    } finally {
      for (const file of [databaseEnv, apiEnv]) rmSync(file);
    }
    const before = { ...cleanEnvironment(), TASKFLEET_STACK: "old", PGHOST: "old", TASKFLEET_API_KEY: "old" };
    const forgotten = evaluated("sh", `-s ${stack}`, 'echo "$PGHOST|$TASKFLEET_API_KEY"', before);
    assert.equal(forgotten.stdout, "|\n");
  });

  it("puts Node 24, both command names and redis-cli first on PATH, once", () => {
    const print = `eval "$("${PATHS.launcher}" env -s ${stack})"; command -v node taskfleet peagen redis-cli; node --version; echo "$PATH"`;
    const lines = evaluated("bash", `-s ${stack}`, print).stdout.trim().split("\n");
    const names = ["node", "taskfleet", "peagen", "redis-cli"];
    assert.deepEqual(
      lines.slice(0, 4),
      names.map((name) => join(PATHS.bin, name)),
    );
    assert.match(lines[4] ?? "", /^v24\./);
    assert.equal(lines[5]?.split(":").filter((entry) => entry === PATHS.bin).length, 1);
  });

  describe("its redis-cli", () => {
    /** What the real redis-cli gets of `redis-cli <words>`: password, then the words. */
    function given(...calls: readonly string[]): readonly string[] {
      const tools = join(folder, "tools");
      mkdirSync(tools, { recursive: true });
      const fake = '#!/bin/sh\necho "$REDISCLI_AUTH|$*"\n';
      writeFileSync(join(tools, "redis-cli"), fake, { mode: 0o755 });
      const environment = { ...cleanEnvironment(), PATH: `${tools}:${process.env.PATH}` };
      const print = calls.map((words) => `redis-cli ${words}`).join("; ");
      return evaluated("sh", `-s ${stack}`, print, environment).stdout.trimEnd().split("\n");
    }

    it("reaches the stack's server, whatever the command's arguments look like", () => {
      const calls = ["xlen peagen.tasks", "-n 1 set key -p", "--user ada ping -h x"];
      assert.deepEqual(
        given(...calls),
        calls.map((words) => `${password}|-h 127.0.0.1 -p 7002 ${words}`),
      );
    });

    it("has the password of now, whatever an earlier up left in the shell", () => {
      const [first, second] = given("ping; export REDISCLI_AUTH=old", "ping");
      assert.equal(first, `${password}|-h 127.0.0.1 -p 7002 ping`);
      assert.equal(second, first);
    });

    it("leaves calls that name another server alone, and keeps the stack's password from it", () => {
      const calls = [
        "-h other -p 1 ping",
        "--user ada -h other ping",
        "-p 7002 -h other",
        "-u redis://other:7002",
      ];
      assert.deepEqual(
        given(...calls, "-s /tmp/socket"),
        [...calls, "-s /tmp/socket"].map((words) => `|${words}`),
      );
    });

    it("gives the password to the stack's server when a call names that itself", () => {
      const calls = ["-p 7002 ping", "-h 127.0.0.1 -p 7002 ping", "-u redis://127.0.0.1:7002 ping"];
      assert.deepEqual(
        given(...calls),
        calls.map((words) => `${password}|${words}`),
      );
    });

    it("leaves another password of the user's alone", () => {
      assert.deepEqual(given("ping; export REDISCLI_AUTH=mine; redis-cli -h other"), [
        `${password}|-h 127.0.0.1 -p 7002 ping`,
        "mine|-h other",
      ]);
    });
  });

  it("leaves the user's own back end and passphrase alone", () => {
    const environment = {
      ...cleanEnvironment(),
      PULUMI_BACKEND_URL: "s3://mine",
      PULUMI_CONFIG_PASSPHRASE: "",
    };
    const print = 'echo "$PULUMI_BACKEND_URL" $(printenv PULUMI_CONFIG_PASSPHRASE_FILE || echo none)';
    assert.equal(evaluated("sh", `-s ${stack}`, print, environment).stdout, "s3://mine none\n");
  });

  it("keeps the passphrase in a file that only its owner can read", () => {
    const file = evaluated("sh", `-s ${stack}`, 'echo "$PULUMI_CONFIG_PASSPHRASE_FILE"').stdout.trim();
    assert.equal(file, PATHS.passphrase);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it("refuses a passphrase file that a full disk left empty, and names the way out", () => {
    writeFileSync(join(folder, "passphrase"), "");
    const { status, stdout, stderr } = spawnSync(PATHS.launcher, ["env"], {
      encoding: "utf8",
      env: { ...cleanEnvironment(), TASKFLEET_HOME: folder },
    });
    assert.equal(stdout, "");
    assert.equal(
      stderr,
      `taskfleet: ${join(folder, "passphrase")} is empty: remove it if no stack is up yet, else restore it\n`,
    );
    assert.equal(status, 1);
  });

  it("takes a relative state folder from where the command was called", () => {
    const environment = { ...cleanEnvironment(), TASKFLEET_HOME: "relative" };
    const { stdout } = spawnSync(PATHS.launcher, ["env"], {
      encoding: "utf8",
      cwd: folder,
      env: environment,
    });
    const state = join(realpathSync(folder), "relative");
    assert.ok(stdout.includes(`export TASKFLEET_HOME='${state}'\n`), stdout);
    assert.ok(stdout.includes(`export PULUMI_BACKEND_URL='file://${state}/pulumi'\n`), stdout);
  });

  it("says in one line what is in the way on the disk", () => {
    const file = join(folder, "a file");
    writeFileSync(file, "");
    const { status, stderr } = spawnSync(PATHS.launcher, ["env"], {
      encoding: "utf8",
      env: { ...cleanEnvironment(), TASKFLEET_HOME: join(file, "state") },
    });
    assert.match(stderr, /^taskfleet: cannot \w+ .*a file\/state.*: a part of the path is a file; .*\n$/);
    assert.equal(status, 1);
  });

  it("makes one passphrase, whole from the first moment on, when many ask at once", async () => {
    const home = join(folder, "fresh");
    const ask = promisify(execFile);
    const env = { ...cleanEnvironment(), TASKFLEET_HOME: home };
    const module = JSON.stringify(join(PATHS.root, "components/cli/environment.ts"));
    const script = `const { engineEnvironment } = await import(${module});
      const { readFileSync } = await import("node:fs");
      console.log(readFileSync(engineEnvironment({}).PULUMI_CONFIG_PASSPHRASE_FILE, "utf8"));`;
    const asked = Array.from({ length: 4 }, () =>
      ask(PATHS.node, ["--input-type=module", "-e", script], { env }),
    );
    const seen = (await Promise.all(asked)).map(({ stdout }) => stdout.trim());
    assert.match(seen[0] ?? "", /^[\w-]{43}$/);
    assert.equal(new Set(seen).size, 1);
    assert.deepEqual(
      readdirSync(home).filter((name) => name.startsWith("passphrase")),
      ["passphrase"],
    );
  });

  it("says on stderr that a stack is not up, and forgets the Redis of the stack before", () => {
    const environment = { ...cleanEnvironment(), TASKFLEET_STACK: "old", REDIS_URL: "redis://old:1" };
    const { stdout, stderr } = evaluated(
      "sh",
      "-s no-such-stack",
      "printenv REDIS_URL || echo none",
      environment,
    );
    assert.equal(stdout, "none\n");
    assert.match(stderr, /^taskfleet: stack no-such-stack is not up, .*taskfleet up -s no-such-stack/);
  });

  it("refuses a stack name that leads out of the state folder", () => {
    const { status, stdout, stderr } = spawnSync(PATHS.launcher, ["env", "-s", "../x"], { encoding: "utf8" });
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^taskfleet: stack "\.\.\/x": a name has letters/);
  });
});

describe("a stack's name", () => {
  for (const name of ["pulumi", "passphrase", "stacks", "bin", "setup", "backups"])
    it(`is not ${name}, which the state folder holds for all stacks`, () => {
      assert.throws(
        () => checkStackName(name),
        (error) => error instanceof CommandError && error.exitCode === 2 && error.message.includes(name),
      );
      assert.throws(() => stackPaths(name), /^HostError: .*choose another/);
    });

  it("may hold such a word", () => {
    checkStackName("pulumi-local");
    assert.equal(stackPaths("pulumi-local").directory, join(PATHS.state, "pulumi-local"));
  });
});

describe("a new stack's target", () => {
  it("is its name's, or what its config says", () => {
    assertTarget("local", "");
    assertTarget("blue", "config:\n  taskfleet:target: local\n");
  });

  it("must be known before the stack is made", () => {
    for (const config of ["", "config:\n  taskfleet:fleet:\n    handlers: x\n"])
      assert.throws(
        () => assertTarget("blue", config),
        (error) =>
          error instanceof CommandError &&
          error.exitCode === 2 &&
          /^there is no stack blue and no target of that name; targets: local\b.*pulumi stack init blue/.test(
            error.message,
          ),
      );
  });
});

describe("shell quoting", () => {
  it("gives back any text without NUL, as one word", () => {
    const text = fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", ""));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (values) => {
        const script = `printf '%s\\001' ${values.map(shellQuote).join(" ")}`;
        const printed = execFileSync("sh", ["-c", script], { encoding: "utf8" });
        assert.equal(printed, values.map((value) => `${value}\u0001`).join(""));
      }),
      { numRuns: 30 },
    );
  });

  it("writes one export a line", () => {
    assert.equal(shellExports({ A: "1", B: "it's" }), "export A='1'\nexport B='it'\\''s'\n");
  });
});
