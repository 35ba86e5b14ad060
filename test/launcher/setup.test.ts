import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setUp } from "../../components/cli/setup.ts";
import { bubblewrapStep } from "../../components/cli/setup-bubblewrap.ts";
import { composeStep } from "../../components/cli/setup-compose.ts";
import { engineStep } from "../../components/cli/setup-engine.ts";
import { holdLock } from "../../components/cli/setup-lock.ts";
import { postgresStep } from "../../components/cli/setup-postgres.ts";
import { StepProgress } from "../../components/cli/setup-progress.ts";
import { redisStep } from "../../components/cli/setup-redis.ts";
import { sandboxStep } from "../../components/cli/setup-sandbox.ts";
import type { SetupStep } from "../../components/cli/setup-step.ts";
import { PATHS } from "../../components/paths.ts";

class Output {
  text = "";
  readonly isTTY: boolean;

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }
}

describe("set-up steps", () => {
  const step = (name: string, there: boolean, ran: string[]): SetupStep => ({
    name,
    check: () => there,
    run: async () => {
      ran.push(name);
    },
  });

  it("run in order where something is missing; the others are named only when asked for", async () => {
    const ran: string[] = [];
    const steps = [step("one", true, ran), step("two", false, ran), step("three", false, ran)];
    const quiet = new Output(false);
    await setUp(steps, { output: quiet, verbose: false, now: () => 0 });
    assert.deepEqual(ran, ["two", "three"]);
    assert.equal(
      quiet.text,
      "taskfleet: two ...\ntaskfleet: two: done (0 s)\ntaskfleet: three ...\ntaskfleet: three: done (0 s)\n",
    );
    const verbose = new Output(false);
    await setUp(steps.slice(0, 1), { output: verbose, verbose: true, now: () => 0 });
    assert.equal(verbose.text, "taskfleet: one: there (0 s)\n");
  });

  it("may end in another outcome than that all is done", async () => {
    const output = new Output(false);
    const without: SetupStep = { name: "extra", check: () => false, run: async () => "not there" };
    await setUp([without], { output, verbose: false, now: () => 0 });
    assert.equal(output.text, "taskfleet: extra ...\ntaskfleet: extra: not there (0 s)\n");
  });

  it("of the sandbox does without Go, and says what is lost", async () => {
    assert.equal(
      await sandboxStep({ PATH: "/nonexistent" }).run(() => {}),
      "not built, so untrusted programs are refused: go is not on PATH; install Go 1.26 or newer (https://go.dev/dl)",
    );
  });

  it("of Docker Compose says both ways out where it can be neither found nor built", async () => {
    await assert.rejects(Promise.resolve(composeStep({ PATH: "/nonexistent" }).run(() => {})), {
      name: "CommandError",
      message:
        "there is no Docker Compose, and go is not on PATH: install Docker Compose 2.24.0 or newer " +
        "(https://docs.docker.com/compose/install), or Go 1.26 or newer (https://go.dev/dl) so that it can be built, then run this again",
    });
  });

  it("of PostgreSQL does without apt-get, says once what is lost and both ways out, and is not tried again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-setup-"));
    const tried = join(folder, "setup", "tried");
    const postgres = postgresStep({ PATH: folder }, { tried, find: () => undefined });
    try {
      assert.equal(postgres.check(), false);
      assert.equal(
        await postgres.run(() => {}),
        `not there, so runs cannot be recorded: no apt-get (see ${tried}); install PostgreSQL 14 or newer ` +
          "(Debian: the package postgresql), or set recordRuns: false in the spec",
      );
      assert.equal(postgres.check(), true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("of PostgreSQL installs it without a cluster of its own, and leaves an administrator's file alone", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-setup-"));
    const clusterConfig = join(folder, "etc", "createcluster.conf");
    const seen = join(folder, "seen");
    const initdb = join(folder, "initdb");
    writeFileSync(initdb, "#!/bin/sh\necho 'initdb (PostgreSQL) 15.18 (Debian 15.18-0)'\n", { mode: 0o755 });
    const recorder = `#!/bin/sh\necho "$@" >>${seen}\ncat ${clusterConfig} >>${seen}\ntouch ${folder}/installed\n`;
    writeFileSync(join(folder, "apt-get"), recorder, { mode: 0o755 });
    writeFileSync(join(folder, "sudo"), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const found = { directory: folder, postgres: join(folder, "postgres"), initdb };
    const step = postgresStep(
      { PATH: `${folder}:${process.env.PATH}` },
      {
        tried: join(folder, "tried"),
        clusterConfig,
        find: () => (existsSync(join(folder, "installed")) ? found : undefined),
      },
    );
    const words = "-q -y install --no-install-recommends postgresql\n";
    try {
      assert.equal(step.check(), false);
      assert.equal(await step.run(() => {}), "done");
      assert.equal(readFileSync(seen, "utf8"), `${words}create_main_cluster = false\n`);
      assert.equal(existsSync(clusterConfig), false);
      assert.equal(step.check(), true);
      writeFileSync(clusterConfig, "ssl = on\n");
      rmSync(seen);
      await step.run(() => {});
      assert.equal(readFileSync(seen, "utf8"), `${words}ssl = on\n`);
      assert.equal(readFileSync(clusterConfig, "utf8"), "ssl = on\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("of bubblewrap does without apt-get, says once what is lost, and is not tried again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "taskfleet-setup-"));
    const bubblewrap = bubblewrapStep({ PATH: folder }, join(folder, "tried"));
    try {
      assert.equal(bubblewrap.check(), false);
      assert.equal(
        await bubblewrap.run(() => {}),
        "not installed, so workers get no namespaces of their own: no apt-get; install the package bubblewrap, so that bwrap is on PATH",
      );
      assert.equal(bubblewrap.check(), true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("stop at the first that fails", async () => {
    const ran: string[] = [];
    const broken: SetupStep = {
      name: "broken",
      check: () => false,
      run: async () => {
        throw new Error("no");
      },
    };
    const output = new Output(false);
    const steps = [broken, step("next", false, ran)];
    await assert.rejects(setUp(steps, { output, verbose: false, now: () => 0 }), /^Error: no$/);
    assert.deepEqual(ran, []);
    assert.equal(output.text, "taskfleet: broken ...\ntaskfleet: broken: failed (0 s)\n");
  });
});

describe("a step's progress", () => {
  function build(isTTY: boolean): string {
    let now = 0;
    const output = new Output(isTTY);
    const progress = new StepProgress("engine", output, () => now);
    progress.begin();
    for (now = 1000; now <= 31_000; now += 1000) progress.update(`${now / 1000} packages`);
    progress.end("done");
    return output.text;
  }

  it("is a line every 15 seconds without a terminal", () => {
    assert.equal(
      build(false),
      "taskfleet: engine ...\ntaskfleet: engine: 15 packages (15 s)\ntaskfleet: engine: 30 packages (30 s)\ntaskfleet: engine: done (32 s)\n",
    );
  });

  it("is one line that changes in place on a terminal", () => {
    const text = build(true);
    assert.equal(text.split("\n").length, 2);
    assert.ok(text.endsWith("\r\x1b[Ktaskfleet: engine: done (32 s)\n"));
    assert.ok(text.includes("\r\x1b[Ktaskfleet: engine: 7 packages (7 s)"));
  });
});

describe("what the set-up cannot do", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "taskfleet-setup-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function script(name: string, text: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  const REDIS_7 = 'echo "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64"';

  /** `taskfleet setup` with an empty cache and only the tools in `folder`. */
  function setup() {
    const environment = { PATH: folder, HOME: folder, XDG_CACHE_HOME: join(folder, "cache") };
    const main = join(PATHS.root, "components/cli/main.ts");
    return spawnSync(PATHS.node, [main, "setup"], { encoding: "utf8", env: environment });
  }

  it("names go, and the way out, when neither pulumi nor go is there", () => {
    script("redis-server", REDIS_7);
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^taskfleet: no pulumi on PATH, and go is not on PATH: install Go 1\.26 or newer .*\n$/m,
    );
  });

  it("names the version of a go that is too old", () => {
    script("redis-server", REDIS_7);
    script("go", "echo go1.24.2");
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^taskfleet: no pulumi on PATH, and go on PATH is not new enough \(go1\.24\.2\): install Go 1\.26/m,
    );
  });

  it("shows the compiler's words when the build fails, and leaves no engine behind", () => {
    script("redis-server", REDIS_7);
    script(
      "go",
      'case $1 in env) echo go1.26.1 ;; list) echo a; echo b ;; *) echo "a.go:1: no such thing" >&2; exit 1 ;; esac',
    );
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(stderr, /^taskfleet: the engine's build failed:\na\.go:1: no such thing\n$/m);
    const built = spawnSync("find", [join(folder, "cache"), "-type", "f"], { encoding: "utf8" });
    assert.equal(built.stdout, "");
  });

  it("says that Redis is missing where there is no apt-get", async () => {
    await assert.rejects(
      redisStep({ PATH: folder }).run(() => {}),
      /^CommandError: no redis-server on PATH, and no apt-get to install it: install Redis 7 or newer/,
    );
  });

  it("installs redis-tools and nothing else, after an update when the lists are empty", async () => {
    const log = join(folder, "log");
    script(
      "apt-get",
      `echo "$@" >>${log}; case "$*" in *update*) touch ${folder}/lists ;; *) [ -e ${folder}/lists ] && cp ${folder}/tool ${folder}/redis-check-rdb ;; esac`,
    );
    script("tool", "echo redis-check-rdb 7.0.15");
    script("sudo", 'exec "$@"');
    for (const tool of ["env", "touch", "cp", "sh"]) symlinkSync(`/bin/${tool}`, join(folder, tool));
    await redisStep({ PATH: folder }).run(() => {});
    const install = "-q -y install --no-install-recommends redis-tools\n";
    assert.equal(readFileSync(log, "utf8"), `${install}-q -y update\n${install}`);
  });

  it("uses a pulumi that is on PATH, but not the one that the launcher put there", () => {
    script("pulumi", "echo v3.200.0");
    assert.equal(engineStep({ PATH: folder }).check(), true);
  });

  for (const [printed, version] of [
    ["Redis server v=6.2.14 sha=00000000:0", "is version 6.2.14"],
    ["segmentation fault", "does not tell its version"],
  ] as const)
    it(`refuses a redis-server that ${version}, and installs nothing over it`, async () => {
      script("redis-server", `echo "${printed}"`);
      const step = redisStep({ PATH: folder });
      assert.equal(step.check(), false);
      await assert.rejects(
        step.run(() => {}),
        {
          name: "CommandError",
          message: `${join(folder, "redis-server")} ${version}, but Redis 7.0.0 or newer is needed: install Redis 7 or newer so that redis-server is on PATH, then run this again`,
        },
      );
    });

  it("takes a Redis that calls itself 10, and one of Debian's tool", () => {
    script("redis-server", "echo Redis server v=10.0.0");
    assert.equal(redisStep({ PATH: folder }).check(), true);
    rmSync(join(folder, "redis-server"));
    script("redis-check-rdb", "echo redis-check-rdb 7.0.0");
    assert.equal(redisStep({ PATH: folder }).check(), true);
  });

  it("refuses a pulumi on PATH that is too old, and names both ways out", async () => {
    script("pulumi", "echo v3.99.1");
    const step = engineStep({ PATH: folder });
    assert.equal(step.check(), false);
    await assert.rejects(
      step.run(() => {}),
      {
        name: "CommandError",
        message: `${join(folder, "pulumi")} is version 3.99.1, but Pulumi 3.200.0 or newer is needed: update it (https://www.pulumi.com/docs/install), or take it off PATH and the engine is built instead, then run this again`,
      },
    );
  });
});

describe("the lock of a set-up", () => {
  it("lets the next one go on when the first lets go", async () => {
    const name = `test-${process.pid}`;
    const order: string[] = [];
    const first = await holdLock(name, () => order.push("first waits"));
    const second = holdLock(name, () => {
      order.push("second waits");
      first[Symbol.asyncDispose]().then(() => order.push("first lets go"));
    });
    await (await second)[Symbol.asyncDispose]();
    assert.deepEqual(order, ["second waits", "first lets go"]);
  });

  it("is gone with the process that held it", async () => {
    const name = `test-${process.pid}`;
    const module = join(PATHS.root, "components/cli/setup-lock.ts");
    const script = `const { holdLock } = await import(${JSON.stringify(module)});
      await holdLock(${JSON.stringify(name)}, () => {}); console.log("held"); setInterval(() => {}, 1000);`;
    const holder = spawn(PATHS.node, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    let waited = false;
    const lock = await holdLock(name, () => {
      waited = true;
      holder.kill("SIGKILL");
    });
    assert.equal(waited, true);
    await lock[Symbol.asyncDispose]();
  });
});
