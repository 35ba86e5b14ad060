import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HOSTILE_PROGRAMS, hostilePayload } from "../../examples/hostile/programs.ts";
import { waitFor } from "../support/wait.ts";
import { settings } from "./support/machines.ts";
import { environmentsWith } from "./support/processes.ts";
import { SandboxRunner, SECRET } from "./support/sandbox-runner.ts";

const PLACES = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/etc", "/usr/local"];
const strays = () =>
  PLACES.flatMap((folder) => readdirSync(folder).filter((name) => name.startsWith("taskfleet-hostile")));

/** What hostile programs look for: servers that must see nobody, a file that must stay. */
class Bait {
  readonly folder = mkdtempSync(join(tmpdir(), "taskfleet-bait-"));
  readonly #servers: Server[] = [];
  readonly #datagrams = createSocket("udp4");
  readonly abstract = `taskfleet-bait-${process.pid}`;
  visits = 0;

  async put(): Promise<void> {
    chmodSync(this.folder, 0o777);
    writeFileSync(join(this.folder, "victim"), "untouched");
    chmodSync(join(this.folder, "victim"), 0o666);
    for (const path of [undefined, join(this.folder, "unix"), `\0${this.abstract}`]) {
      const server = createServer((socket) => {
        this.visits++;
        socket.destroy();
      });
      if (path === undefined) server.listen(0, "127.0.0.1");
      else server.listen(path);
      await once(server, "listening");
      if (path?.startsWith("/")) chmodSync(path, 0o777);
      this.#servers.push(server);
    }
    this.#datagrams.on("message", () => this.visits++).bind(0, "127.0.0.1");
    await once(this.#datagrams, "listening");
  }

  environment(): Record<string, string> {
    const address = this.#servers[0]?.address() as AddressInfo | undefined;
    return {
      OUTSIDE: this.folder,
      TCP_PORT: String(address?.port),
      UDP_PORT: String(this.#datagrams.address().port),
      UNIX_PATH: join(this.folder, "unix"),
      ABSTRACT: this.abstract,
    };
  }

  check(): void {
    assert.equal(this.visits, 0, "a program reached a server");
    assert.deepEqual(readdirSync(this.folder).sort(), ["unix", "victim"]);
    assert.equal(readFileSync(join(this.folder, "victim"), "utf8"), "untouched");
    assert.equal(statSync(join(this.folder, "victim")).mode & 0o7777, 0o666);
  }

  take(): void {
    for (const server of this.#servers) server.close();
    this.#datagrams.close();
    rmSync(this.folder, { recursive: true });
  }
}

/** A trusted task of the same worker that goes on until it is told to end. */
class Neighbour {
  readonly #folder: string;
  readonly answer: ReturnType<SandboxRunner["run"]>;

  constructor(runner: SandboxRunner) {
    this.#folder = mkdtempSync(join(tmpdir(), "taskfleet-neighbour-"));
    chmodSync(this.#folder, 0o777);
    const script =
      "echo $$ > $MEETING/new; mv $MEETING/new $MEETING/pid; while [ ! -e $MEETING/stop ]; do echo x >>mine; " +
      "sleep 0.02; done; ulimit -n; wc -l <mine | grep -c .; nice";
    this.answer = runner.run({ command: ["sh", "-c", script], environment: { MEETING: this.#folder } });
  }

  async pid(): Promise<number> {
    const file = join(this.#folder, "pid");
    await waitFor("the neighbour", () => existsSync(file));
    return Number(readFileSync(file, "utf8"));
  }

  async end(): Promise<readonly string[] | undefined> {
    writeFileSync(join(this.#folder, "stop"), "");
    const { output } = await this.answer;
    rmSync(this.#folder, { recursive: true });
    return output?.stdout.trim().split("\n");
  }
}

const available = await settings();

if (available[0] !== undefined) {
  const { helper } = available[0];
  describe("hostile programs without a sandbox", () => {
    for (const file of [
      "tcp.js",
      "udp.js",
      "unix-sockets.js",
      "read-others.pl",
      "setuid.sh",
      "write-outside.sh",
    ])
      it(`${file} gets through: else its failure in a sandbox would say nothing`, async () => {
        const program = HOSTILE_PROGRAMS.find((known) => known.file === file);
        assert.ok(program);
        const runner = new SandboxRunner({ helper });
        const bait = new Bait();
        await bait.put();
        const { untrusted, ...payload } = hostilePayload(program);
        const environment = { ...bait.environment(), SECRET_NAME: SECRET, NEIGHBOUR: String(runner.pid) };
        const { output, message } = await runner.run({ ...payload, environment });
        assert.deepEqual([untrusted, output?.exitCode, message], [true, 0, undefined]);
        await runner.stop();
        bait.take();
      });
    after(() => {
      for (const name of strays()) for (const place of PLACES) rmSync(join(place, name), { force: true });
    });
  });
}

for (const { backEnd, uid, helper, title } of available)
  describe(`hostile programs in the sandbox ${title}`, () => {
    let runner: SandboxRunner;
    let bait: Bait;
    before(async () => {
      runner = new SandboxRunner({ helper, backEnd }, uid);
      bait = new Bait();
      await bait.put();
      await runner.hello;
    });
    after(async () => {
      await runner.stop();
      bait.take();
    });

    for (const program of HOSTILE_PROGRAMS)
      it(`${program.file} ends with the reason "${program.reason}"`, async () => {
        const mark = `hostile-${process.pid}-${backEnd}-${uid ?? "self"}-${program.file}`;
        const before = strays();
        const neighbour = new Neighbour(runner);
        const environment = {
          ...bait.environment(),
          NEIGHBOUR: String(await neighbour.pid()),
          SECRET_NAME: `${SECRET}|WORKER_SECRET`,
          HOSTILE_MARK: mark,
        };
        const answer = await runner.run({ ...hostilePayload(program), environment });
        const undisturbed = await neighbour.end();
        assert.equal(
          answer.reason,
          program.reason,
          JSON.stringify({ ...answer, output: answer.output?.stdout }),
        );
        // Its limit of open files, that it wrote, and its priority.
        assert.notEqual(undisturbed?.[0], "0");
        assert.deepEqual(undisturbed?.slice(1), ["1", "0"]);
        assert.deepEqual(environmentsWith(mark), [], "something of it runs on");
        assert.deepEqual(runner.folders(), []);
        assert.deepEqual(strays(), before);
        bait.check();
      });
  });
