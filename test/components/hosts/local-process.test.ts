import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { explained } from "../../../components/hosts/errors.ts";
import { localProcess } from "../../../components/hosts/local-process.ts";
import { identify, isAlive } from "../../../components/hosts/process-identity.ts";
import type { ProcessInputs } from "../../../components/hosts/process-inputs.ts";
import { killNow, serverProgram, TestHost } from "../../support/host-process.ts";
import { quietPort } from "../../support/quiet-port.ts";

const who = ({ pid, startTime }: { pid: number; startTime: number }) => ({ pid, start: startTime });
const recordOf = ({ directory, name }: ProcessInputs) => join(directory, `${name}.process.json`);

describe("a process of the host", () => {
  let host: TestHost;
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(() => host.close());

  it("starts detached in a session of its own, with its port filled in everywhere", async () => {
    const file = join(host.directory, "conf", "server.conf");
    const script = serverProgram("console.log(process.env.WHERE, process.argv.at(-1));");
    const server = await host.create(
      await host.inputs({
        args: [...script, "port={port}"],
        environment: { WHERE: "http://127.0.0.1:{port}" },
        files: [{ path: file, content: "port {port}\n", mode: "0600" }],
      }),
    );
    const { boundPort, address, pid } = server;
    assert.equal(address, `127.0.0.1:${boundPort}`);
    assert.equal(readFileSync(file, "utf8"), `port ${boundPort}\n`);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(readFileSync(server.log, "utf8"), `http://127.0.0.1:${boundPort} port=${boundPort}\n`);
    assert.equal(await (await fetch(`http://${address}/`)).text(), "fine");
    const session = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3];
    assert.equal(session, String(pid));
  });

  it("gives the process none of the engine's variables", async () => {
    process.env.PULUMI_CONFIG_PASSPHRASE_FILE = "/nowhere";
    try {
      const server = await host.create(await host.inputs({ environment: { OWN: "yes" } }));
      const names = readFileSync(`/proc/${server.pid}/environ`, "utf8")
        .split("\0")
        .map((pair) => pair.split("=")[0]);
      assert.ok(names.includes("PATH") && names.includes("OWN"));
      assert.ok(!names.includes("PULUMI_CONFIG_PASSPHRASE_FILE"));
    } finally {
      delete process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
    }
  });

  it("is unchanged while nothing changed, and drifted when it was killed; the update heals it on its port", async () => {
    const inputs = await host.inputs();
    const server = await host.create(inputs);
    assert.deepEqual(await localProcess.read(server), { filesIntact: true });
    assert.deepEqual(localProcess.diff(server, inputs), { changes: false, replaces: [] });

    await killNow(server);
    const seen = await host.refresh(server);
    assert.deepEqual([seen.running, seen.pid, seen.boundPort], [false, 0, server.boundPort]);
    assert.deepEqual(localProcess.diff(seen, inputs), { changes: true, replaces: [] });

    const healed = await host.update(seen, inputs);
    assert.notEqual(healed.pid, server.pid);
    assert.equal(healed.boundPort, server.boundPort);
    assert.ok(isAlive(who(healed)));
  });

  it("writes its files again when one was removed, altered or opened to others, and runs on", async () => {
    const file = (name: string) => join(host.directory, name);
    const paths = [file("removed"), file("altered"), file("opened")] as const;
    const files = paths.map((path) => ({ path, content: "port {port}\n", mode: "0600" }));
    const inputs = await host.inputs({ files });
    const server = await host.create(inputs);
    for (const spoil of [
      () => rmSync(paths[0]),
      () => writeFileSync(paths[1], "else"),
      () => chmodSync(paths[2], 0o644),
    ]) {
      spoil();
      const seen = await host.refresh(server);
      assert.deepEqual([seen.filesIntact, seen.running], [false, true]);
      assert.deepEqual(localProcess.diff(seen, inputs), { changes: true, replaces: [] });
      assert.deepEqual(await host.update(seen, inputs), server);
      assert.deepEqual(
        paths.map((path) => [readFileSync(path, "utf8"), statSync(path).mode & 0o777]),
        paths.map(() => [`port ${server.boundPort}\n`, 0o600]),
      );
    }
  });

  it("does not take another process with the same pid for its own", async () => {
    const server = await host.create(await host.inputs());
    const other = { ...server, startTime: server.startTime + 1 };
    rmSync(recordOf(server));
    assert.deepEqual(await localProcess.read(other), {
      filesIntact: true,
      running: false,
      pid: 0,
      startTime: 0,
    });
    await localProcess.delete(other);
    assert.ok(isAlive(who(server)), "the stranger must survive the deletion");
  });

  it("changes in place what needs no restart, and restarts on the same port for the rest", async () => {
    const inputs = await host.inputs({ data: [join(host.directory, "data")] });
    const server = await host.create(inputs);
    writeFileSync(join(host.directory, "data", "kept"), "1");
    const patient = { ...inputs, stop: { signal: "SIGTERM", timeoutSeconds: 3 } } as const;
    const same = await host.update(server, patient);
    assert.equal(same.pid, server.pid);
    const changed = await host.update(same, { ...patient, environment: { MORE: "1" } });
    assert.notEqual(changed.pid, server.pid);
    assert.equal(changed.boundPort, server.boundPort);
    assert.equal(identify(server.pid), null);
    assert.equal(readFileSync(join(host.directory, "data", "kept"), "utf8"), "1");
    assert.deepEqual(localProcess.diff(changed, { ...patient, name: "other" }), {
      changes: true,
      replaces: ["name"],
    });
  });

  it("removes files that the new inputs no longer have", async () => {
    const inputs = await host.inputs();
    const file = { path: join(host.directory, "old.conf"), content: "x", mode: "0600" };
    const server = await host.create({ ...inputs, files: [file] });
    await host.update(server, inputs);
    assert.equal(existsSync(file.path), false);
  });

  it("asks what is to take its place whether it would start, and stays when that says no", async () => {
    const server = await host.create(await host.inputs());
    const says = (text: string, code: number) => ["-e", `console.error("${text}"); process.exit(${code})`];
    const news = { ...server, environment: { MORE: "1" } };
    await assert.rejects(host.update(server, { ...news, startCheck: says("no KEY in {port}", 1) }), {
      name: "HostError",
      message: `server would not start as it is to be, so the one that runs was left alone:\nno KEY in ${server.boundPort}`,
    });
    assert.ok(isAlive(who(server)));
    const replaced = await host.update(server, { ...news, startCheck: says("fine", 0) });
    assert.deepEqual([isAlive(who(server)), isAlive(who(replaced))], [false, true]);
  });

  it("does not ask where nothing runs, or nothing has to be started anew", async () => {
    const startCheck = ["-e", "process.exit(1)"];
    const inputs = { ...(await host.inputs()), startCheck };
    const server = await host.create(inputs);
    const same = await host.update(server, { ...inputs, ready: { ...inputs.ready, timeoutSeconds: 20 } });
    assert.equal(same.pid, server.pid);
    await killNow(server);
    assert.equal((await host.update(await host.refresh(server), inputs)).running, true);
  });

  it("stops what an interrupted update left behind before it starts another", async () => {
    const inputs = await host.inputs();
    const forgotten = await host.create(inputs);
    const server = await host.create(inputs);
    assert.equal(identify(forgotten.pid), null);
    assert.equal(server.boundPort, forgotten.boundPort);
  });

  it("stops on deletion what an interrupted update started beside the state", async () => {
    const inputs = await host.inputs();
    const saved = await host.create(inputs);
    await host.create(inputs);
    assert.equal(host.pids().length, 1);
    await localProcess.delete(saved);
    assert.deepEqual(host.pids(), []);
    assert.equal(existsSync(recordOf(inputs)), false);
  });

  it("forgets its port when it is deleted: the preferred one is taken again where it is free", async () => {
    const inputs = await host.inputs();
    const taken = createServer().listen(inputs.port.port, "127.0.0.1");
    await once(taken, "listening");
    const server = await host.create(inputs);
    assert.notEqual(server.boundPort, inputs.port.port);
    await localProcess.delete(server);
    taken.close();
    await once(taken, "close");
    assert.equal((await host.create(inputs)).boundPort, inputs.port.port);
  });

  it("starts over a stale or broken record", async () => {
    const inputs = await host.inputs();
    mkdirSync(inputs.directory, { recursive: true });
    const record = recordOf(inputs);
    writeFileSync(record, JSON.stringify({ pid: process.pid, start: 1, port: 0 }));
    const first = await host.create(inputs);
    await localProcess.delete(first);
    writeFileSync(record, '{"pid": 12');
    const second = await host.create(inputs);
    assert.ok(isAlive(who(second)));
  });

  it("asks by signal, then kills; files go, data and logs stay", async () => {
    const deaf = serverProgram('process.on("SIGTERM", () => console.log("heard"));');
    const data = join(host.directory, "data");
    const file = { path: join(host.directory, "secret"), content: "x", mode: "0600" };
    const inputs = await host.inputs({
      args: deaf,
      data: [data],
      files: [file],
      stop: { signal: "SIGTERM", timeoutSeconds: 3 },
    });
    const server = await host.create(inputs);
    await localProcess.delete(server);
    assert.equal(identify(server.pid), null);
    assert.equal(readFileSync(server.log, "utf8"), "heard\n");
    assert.deepEqual([existsSync(file.path), existsSync(data)], [false, true]);
    await localProcess.delete({ ...server, deleteData: true });
    assert.equal(existsSync(data), false);
  });

  it("ends a stopped process by its signal too", async () => {
    const polite = serverProgram('process.on("SIGTERM", () => { console.log("bye"); process.exit(0); });');
    const server = await host.create(await host.inputs({ args: polite }));
    process.kill(server.pid, "SIGSTOP");
    await localProcess.delete(server);
    assert.equal(readFileSync(server.log, "utf8"), "bye\n");
  });

  it("takes the next free port when the preferred one is taken, two at once too", async () => {
    const port = await quietPort();
    const taken = createServer().listen(port, "127.0.0.1");
    await once(taken, "listening");
    try {
      const preferred = { port: { kind: "preferred", port } } as const;
      const [first, second] = await Promise.all([
        host.inputs(preferred).then((inputs) => host.create(inputs)),
        host.inputs({ ...preferred, name: "second" }).then((inputs) => host.create(inputs)),
      ]);
      const ports = [first?.boundPort, second?.boundPort].map(Number);
      assert.ok(ports.every((found) => found > port));
      assert.notEqual(ports[0], ports[1]);
    } finally {
      taken.close();
    }
  });

  it("refuses a demanded port that is taken, and names who has it", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    assert.ok(address !== null && typeof address === "object");
    const inputs = await host.inputs({ port: { kind: "demanded", port: address.port } });
    try {
      await assert.rejects(host.create(inputs), (error: Error) => {
        assert.match(
          error.message,
          new RegExp(`^port ${address.port} is in use by \\S+ \\(pid ${process.pid}\\): `),
        );
        return true;
      });
    } finally {
      taken.close();
    }
  });
});

describe("a process that does not come up", () => {
  let host: TestHost;
  beforeEach(() => {
    host = new TestHost();
  });
  afterEach(() => host.close());

  it("fails with its exit code and the end of its log, and none of an earlier run's", async () => {
    const inputs = await host.inputs({
      args: ["-e", 'console.error("cannot open the database"); process.exit(3)'],
    });
    mkdirSync(join(host.directory, "logs"));
    writeFileSync(inputs.log, "an earlier run\n");
    await assert.rejects(host.create(inputs), {
      name: "HostError",
      message: `server ended with exit code 3; the end of ${inputs.log}:\ncannot open the database`,
    });
  });

  it("is stopped when it is not ready in time", async () => {
    const ready = { kind: "http", path: "/", timeoutSeconds: 0.2 } as const;
    const inputs = await host.inputs({ command: "sleep", args: ["1000"], ready });
    await assert.rejects(
      host.create(inputs),
      /^HostError: server is not ready after 0.2 s: port \d+ does not answer/,
    );
    assert.deepEqual(host.pids(), []);
  });

  it("is stopped when its record cannot be written: nothing would find it again", async () => {
    const inputs = await host.inputs();
    const inTheWay = `${recordOf(inputs)}.${process.pid}.tmp`;
    mkdirSync(inTheWay, { recursive: true });
    await assert.rejects(host.create(inputs), {
      name: "HostError",
      message: /^cannot write .*process\.json/,
    });
    assert.deepEqual(host.pids(), []);
  });

  it("names a program that is not there", async () => {
    const inputs = await host.inputs({ command: "/nowhere/redis-server" });
    await assert.rejects(host.create(inputs), {
      message:
        "cannot start server (/nowhere/redis-server): there is no such file or folder; create it or correct the path, then run the update again",
    });
  });

  it("says in one line what the system refused", async () => {
    const file = join(host.directory, "file");
    writeFileSync(file, "");
    const inputs = await host.inputs({ directory: join(file, "below") });
    await assert.rejects(host.create(inputs), {
      message: `cannot read ${recordOf(inputs)}: a part of the path is a file; move it away, then run the update again`,
    });
    const full = explained("write /dev/full", () => writeFile("/dev/full", "x"));
    await assert.rejects(full, {
      message: "cannot write /dev/full: the disk is full; free some space, then run the update again",
    });
  });
});
