import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATHS } from "../../components/paths.ts";

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(
  command: readonly [string, ...string[]],
  options: { readonly cwd?: string; readonly env?: Record<string, string | undefined> } = {},
): Ran {
  const [file, ...words] = command;
  const { status, stdout, stderr } = spawnSync(file, words, {
    encoding: "utf8",
    cwd: options.cwd ?? PATHS.root,
    env: { ...process.env, ...options.env },
  });
  return { code: status, stdout, stderr };
}

describe("the launcher", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-launcher-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A checkout that has the launcher, and commands that show what they were given; no packages. */
  function checkout({ packages }: { readonly packages: boolean }): string {
    const root = join(folder, "a checkout");
    mkdirSync(join(root, "components/cli"), { recursive: true });
    mkdirSync(join(root, "worker/src"), { recursive: true });
    cpSync(PATHS.launcher, join(root, "taskfleet"));
    writeFileSync(join(root, "package-lock.json"), "{}");
    const show = (name: string) =>
      `const { REDIS_URL, A_VALUE, TASKFLEET_ROOT } = process.env;
       console.log(JSON.stringify({ entry: "${name}", words: process.argv.slice(2), REDIS_URL, A_VALUE, TASKFLEET_ROOT }));`;
    writeFileSync(join(root, "components/cli/main.ts"), show("platform"));
    writeFileSync(join(root, "worker/src/main.ts"), show("queue"));
    if (packages) {
      mkdirSync(join(root, "node_modules/.bin"), { recursive: true });
      symlinkSync(process.execPath, join(root, "node_modules/.bin/node"));
      writeFileSync(join(root, "node_modules/.package-lock.json"), "{}");
      utimesSync(join(root, "package-lock.json"), 0, 0);
    }
    return root;
  }

  it("gives platform commands to components/cli and all others to the worker package", () => {
    const root = checkout({ packages: true });
    const entries = [
      "setup",
      "up",
      "rollback",
      "down",
      "demo",
      "bench",
      "test",
      "env",
      "check",
      "--help",
      "push",
      "anything",
    ];
    const given = entries.map((word) => JSON.parse(run([join(root, "taskfleet"), word]).stdout).entry);
    assert.deepEqual(given, [...Array(10).fill("platform"), "queue", "queue"]);
    assert.equal(JSON.parse(run([join(root, "taskfleet")]).stdout).entry, "platform");
  });

  it("asks whoever has a command for its help", () => {
    const root = checkout({ packages: true });
    const asked = (...words: string[]) => {
      const { entry, words: given } = JSON.parse(run([join(root, "taskfleet"), "help", ...words]).stdout);
      return [entry, ...given];
    };
    assert.deepEqual(asked(), ["platform", "help"]);
    assert.deepEqual(asked("up"), ["platform", "help", "up"]);
    assert.deepEqual(asked("queue", "dlq"), ["queue", "help", "queue", "dlq"]);
  });

  it("finds its checkout from another folder and through links, and keeps the words as they are", () => {
    const root = checkout({ packages: true });
    symlinkSync(join(root, "taskfleet"), join(folder, "absolute"));
    symlinkSync("absolute", join(folder, "peagen"));
    const { stdout, stderr, code } = run([join(folder, "peagen"), "push", "two words", "$HOME", ""], {
      cwd: "/",
    });
    assert.equal(stderr, "");
    assert.equal(code, 0);
    const given = JSON.parse(stdout);
    assert.deepEqual(given.words, ["push", "two words", "$HOME", ""]);
    assert.equal(given.TASKFLEET_ROOT, root);
  });

  it("exports the chosen stack's client.env to queue commands, without evaluating it", () => {
    const root = checkout({ packages: true });
    mkdirSync(join(root, ".taskfleet/blue"), { recursive: true });
    const lines = "REDIS_URL=redis://127.0.0.1:7001\nA_VALUE=$(touch evil) `x` 'y'\nnot a variable\n";
    writeFileSync(join(root, ".taskfleet/blue/client.env"), lines);
    const push = [join(root, "taskfleet"), "push"] as const;
    const environment = { TASKFLEET_STACK: "blue", REDIS_URL: undefined, A_VALUE: undefined };
    const given = JSON.parse(run(push, { cwd: folder, env: environment }).stdout);
    assert.equal(given.REDIS_URL, "redis://127.0.0.1:7001");
    assert.equal(given.A_VALUE, "$(touch evil) `x` 'y'");
    assert.equal(existsSync(join(folder, "evil")), false);
    const kept = JSON.parse(run(push, { env: { ...environment, A_VALUE: "mine" } }).stdout);
    assert.equal(kept.A_VALUE, "mine");
    const other = JSON.parse(run(push, { env: { ...environment, REDIS_URL: "redis://mine:1" } }).stdout);
    assert.equal(other.REDIS_URL, "redis://mine:1");
    assert.equal(other.A_VALUE, undefined);
  });

  it("takes the stack's address of now, whatever an earlier up left in the shell; another Redis stays", () => {
    const root = checkout({ packages: true });
    const state = join(root, ".taskfleet");
    mkdirSync(join(state, "blue"), { recursive: true });
    writeFileSync(join(state, "blue/client.env"), "REDIS_URL=redis://127.0.0.1:7001\n");
    const push = [join(root, "taskfleet"), "push"] as const;
    const seen = (stack: string, passwordFile: string) => {
      const env = { TASKFLEET_STACK: stack, REDIS_URL: "redis://old:1", REDIS_PASSWORD_FILE: passwordFile };
      return JSON.parse(run(push, { env }).stdout).REDIS_URL;
    };
    assert.equal(seen("blue", join(state, "blue/secrets/redis-password")), "redis://127.0.0.1:7001");
    assert.equal(seen("gone", join(state, "gone/secrets/redis-password")), undefined);
    assert.equal(seen("blue", "/run/secrets/redis"), "redis://old:1");
  });

  it("answers a shell's completion script, which never makes it install anything", () => {
    const root = checkout({ packages: true });
    const asked = (...words: string[]) =>
      run([join(root, "taskfleet"), "__complete", "--", ...words])
        .stdout.split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line).entry)
        .sort();
    run([join(root, "taskfleet"), "push"]);
    assert.deepEqual(asked(""), ["platform", "queue"]);
    assert.deepEqual(asked("help", "u"), ["platform", "queue"]);
    assert.deepEqual(asked("up", ""), ["platform"]);
    assert.deepEqual(asked("help", "queue", ""), ["queue"]);
    assert.deepEqual(asked("push", ""), ["queue"]);
    rmSync(join(root, "node_modules"), { recursive: true });
    rmSync(join(root, ".taskfleet"), { recursive: true });
    const without = run([join(root, "taskfleet"), "__complete", "--", ""]);
    assert.deepEqual([without.code, without.stdout, without.stderr], [0, "", ""]);
    assert.equal(existsSync(join(root, ".taskfleet")), false);
  });

  it("says in one line what is missing when there is no node to install the packages with", () => {
    const root = checkout({ packages: false });
    const tools = join(folder, "tools");
    mkdirSync(tools);
    for (const tool of ["bash", "env", "dirname", "readlink", "sha256sum", "mkdir", "flock"])
      symlinkSync(run(["sh", "-c", `command -v ${tool}`]).stdout.trim(), join(tools, tool));
    const without = run([join(root, "taskfleet"), "push"], { env: { PATH: tools } });
    assert.equal(without.code, 1);
    assert.match(without.stderr, /^taskfleet: no node on PATH: install Node\.js 20 or newer with npm .*\n$/);
    writeFileSync(join(tools, "node"), "#!/bin/sh\necho v18.19.0\n", { mode: 0o755 });
    const old = run([join(root, "taskfleet"), "push"], { env: { PATH: tools } });
    assert.equal(old.code, 1);
    assert.match(old.stderr, /^taskfleet: node on PATH is 18\.19\.0, which is too old: .*\n$/);
  });

  it("installs the packages when the lock file changed, once, and shows npm's own words when that fails", () => {
    const root = checkout({ packages: false });
    const tools = join(folder, "tools");
    mkdirSync(tools);
    const calls = join(folder, "calls");
    const npm = `#!/bin/sh
echo "$@" >>"${calls}"
if [ -e "${folder}/broken" ]; then echo "npm error: no such package" >&2; exit 1; fi
mkdir -p node_modules/.bin && ln -sf "${process.execPath}" node_modules/.bin/node\n`;
    writeFileSync(join(tools, "npm"), npm, { mode: 0o755 });
    const environment = { PATH: `${tools}:${process.env.PATH}` };
    const first = run([join(root, "taskfleet"), "push"], { env: environment });
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stderr,
      /^taskfleet: npm packages: installing .*\ntaskfleet: npm packages: done in \d+ s\n$/,
    );
    assert.equal(run([join(root, "taskfleet"), "push"], { env: environment }).stderr, "");
    writeFileSync(join(root, "package-lock.json"), '{"changed": true}');
    run([join(root, "taskfleet"), "push"], { env: environment });
    const arguments_ = "ci --include=dev --no-audit --no-fund --no-progress\n";
    assert.equal(readFileSync(calls, "utf8"), arguments_.repeat(2));
    writeFileSync(join(root, "package-lock.json"), '{"changed": "again"}');
    writeFileSync(join(folder, "broken"), "");
    const broken = run([join(root, "taskfleet"), "push"], { env: environment });
    assert.equal(broken.code, 1);
    assert.match(
      broken.stderr,
      /npm error: no such package\ntaskfleet: npm ci failed; its whole output is in /,
    );
  });
});

describe("the command line of this checkout", () => {
  it("refuses an unknown command, suite and option with exit code 2", () => {
    assert.equal(run([PATHS.launcher, "no-such-command"]).code, 2);
    const suite = run([PATHS.launcher, "test", "no-such-suite"]);
    assert.equal(suite.code, 2);
    assert.match(suite.stderr, /^taskfleet: no suite no-such-suite: there are check, unit, /m);
    assert.equal(run([PATHS.launcher, "env", "--no-such-option"]).code, 2);
  });

  it("lists the platform's and the queue's commands in one help", () => {
    const { stdout, code } = run([PATHS.launcher, "--help"]);
    assert.equal(code, 0);
    for (const command of ["setup", "test", "env", "push", "status"])
      assert.match(stdout, new RegExp(`^ {2}${command} `, "m"));
  });

  it("shows the help of one command, of either side", () => {
    assert.match(run([PATHS.launcher, "help", "push"]).stdout, /^Usage: taskfleet push KIND /);
    assert.match(run([PATHS.launcher, "help", "up"]).stdout, /^Usage: taskfleet up \[options\]/);
  });
});
