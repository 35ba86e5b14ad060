import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { findOnPath } from "../../components/find-on-path.ts";
import { PATHS } from "../../components/paths.ts";
import { queueKeys } from "../../worker/contract/queue-keys.ts";
import { quietPort } from "../support/quiet-port.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";

/** How each shell is started without anybody's settings, and how the script gets into it. */
const SHELLS = {
  bash: { start: ["bash", "--norc", "-i"], load: 'eval "$(taskfleet completion bash)"' },
  zsh: {
    start: ["zsh", "-f", "-i"],
    load: 'autoload -Uz compinit; compinit -u -D; bindkey -e; eval "$(taskfleet completion zsh)"',
  },
  fish: { start: ["fish", "--no-config", "-i"], load: "taskfleet completion fish | source" },
} as const;
type Shell = keyof typeof SHELLS;

const TAB = "\t";
const HOME = "\u0001";
const END = "\u0005";

describe("shell completion", function () {
  this.timeout(120_000);
  let redis: TestRedis;
  let mute: Server;
  let folder: string;

  before(async () => {
    redis = await startRedis();
    const kind = JSON.stringify({ kind: "x", version: "1", description: "", payload: {} });
    await redis.client.hset(queueKeys("peagen.tasks").kinds, "word-count", kind, "sleep", kind);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-completion-"));
    for (const name of ["taskfleet", "peagen"]) symlinkSync(PATHS.launcher, join(folder, name));
    mkdirSync(join(folder, "logs"));
    writeFileSync(join(folder, "logs", "host-a1.log"), "");
    writeFileSync(join(folder, "tasks.jsonl"), "");
    mkdirSync(join(folder, "home", "pulumi/.pulumi/stacks/taskfleet"), { recursive: true });
    writeFileSync(join(folder, "home", "pulumi/.pulumi/stacks/taskfleet/blue.json"), "{}");
    // It takes connections and never says a word.
    mute = createServer(() => {}).listen(await quietPort(), "127.0.0.1");
  });
  after(async () => {
    mute.close();
    rmSync(folder, { recursive: true, force: true });
    await redis.stop();
  });

  const environment = (): NodeJS.ProcessEnv => ({
    PATH: `${folder}:${process.env.PATH}`,
    HOME: folder,
    TERM: "dumb",
    REDIS_URL: redis.url,
    TASKFLEET_HOME: join(folder, "home"),
    TASKFLEET_LOG_DIRECTORY: join(folder, "logs"),
  });

  /** Types `keys` in an interactive shell on a terminal; the line that is there then, for each of `lines`. */
  async function typed(shell: Shell, lines: readonly string[]): Promise<string[]> {
    const { start, load } = SHELLS[shell];
    const child = spawn("script", ["-qec", start.join(" "), "/dev/null"], {
      env: environment(),
      cwd: folder,
      timeout: 90_000,
    });
    let seen = "";
    let notify = () => {};
    let fail = (_error: Error) => {};
    child.once("close", () => fail(new Error(`${shell} ended: ${seen}`)));
    child.stdout.on("data", (part: Buffer) => {
      seen += part.toString();
      notify();
    });
    const until = (mark: RegExp) =>
      new Promise<string>((resolve, reject) => {
        fail = reject;
        notify = () => {
          const found = mark.exec(stripVTControlCharacters(seen))?.[1];
          if (found === undefined) return;
          seen = "";
          resolve(found);
        };
        notify();
      });
    child.stdin.write(`${load}; echo rea''dy\n`);
    await until(/(ready)\s/);
    const shown: string[] = [];
    for (const line of lines) {
      // The line, as it is after the key, becomes an argument of printf, which prints it behind a mark.
      child.stdin.write(`${line}${TAB}${HOME}printf 'li''ne=<%s>\\n' '${END}'\n`);
      shown.push(await until(/line=<([^>]*)>/));
    }
    child.stdin.write("exit\n");
    await once(child, "close");
    return shown;
  }

  for (const shell of Object.keys(SHELLS) as Shell[])
    it(`${shell} completes commands, options, values and files of both names on a real terminal`, async function () {
      if (findOnPath(shell, process.env.PATH ?? "", []) === undefined) {
        process.stdout.write(`      skipped: ${shell} is not installed (Debian: apt-get install ${shell})\n`);
        return this.skip();
      }
      // Whether a space follows is each shell's own affair.
      const asked: readonly (readonly [typed: string, then: string])[] = [
        ["taskfleet queue pur", "taskfleet queue purge"],
        ["peagen queue dlq requeue --dry", "peagen queue dlq requeue --dry-run"],
        ["taskfleet dem", "taskfleet demo"],
        ["taskfleet push wor", "taskfleet push word-count"],
        ["taskfleet queue dlq list --kind sl", "taskfleet queue dlq list --kind sleep"],
        ["taskfleet down -s bl", "taskfleet down -s blue"],
        ["taskfleet logs --worker host", "taskfleet logs --worker host-a1"],
        ["taskfleet push -f tasks", "taskfleet push -f tasks.jsonl"],
        ["taskfleet completion fi", "taskfleet completion fish"],
        ["taskfleet down --stack=bl", "taskfleet down --stack=blue"],
      ];
      const lines = await typed(
        shell,
        asked.map(([line]) => line),
      );
      assert.deepEqual(
        lines.map((line) => line.trimEnd()),
        asked.map(([, then]) => then),
      );
    });

  const complete = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(PATHS.launcher, ["__complete", "--", ...words], {
      encoding: "utf8",
      env: { ...environment(), ...env },
    });

  it("offers no kinds, and says nothing, when Redis is away or does not answer", async () => {
    const address = mute.address();
    assert(address !== null && typeof address === "object");
    for (const port of [await quietPort(), address.port]) {
      const { status, stdout, stderr } = complete(["push", ""], { REDIS_URL: `redis://127.0.0.1:${port}` });
      assert.deepEqual([status, stdout, stderr], [0, "", ""]);
    }
  });

  it("asks both sides for commands, and only the one that has a command for the rest", () => {
    const words = (...begun: readonly string[]) =>
      complete(begun)
        .stdout.split("\n")
        .filter((line) => line !== "")
        .map((line) => line.split("\t")[0]);
    const all = words("");
    for (const command of ["up", "test", "push", "queue", "completion"])
      assert.equal(all.filter((one) => one === command).length, 1, command);
    assert.ok(!all.includes("supervise") && !all.includes("__complete"));
    assert.deepEqual(words("help", "dem"), ["demo"]);
    assert.deepEqual(words("help", "queue", "dl"), ["dlq"]);
    assert.deepEqual(words("no-such-command", ""), []);
  });

  it("runs nothing of what stands on the line", () => {
    const evil = `'$(touch ${join(folder, "evil")})'`;
    const script = `eval "$(taskfleet completion bash)"
      COMP_WORDS=(taskfleet push ${evil} --pay) COMP_CWORD=3
      _taskfleet taskfleet --pay; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = spawnSync("bash", ["--norc", "-c", script], { encoding: "utf8", env: environment() });
    assert.equal(stdout, "--payload\n--payload-file\n");
    assert.equal(existsSync(join(folder, "evil")), false);
  });
});
