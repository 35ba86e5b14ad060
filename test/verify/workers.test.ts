import assert from "node:assert/strict";
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localShell } from "../../components/hosts/compose/local-shell.ts";
import { judge } from "../../components/verify/judge.ts";
import { gatherWorkers } from "../../components/verify/workers.ts";
import type { Controls } from "../../worker/contract/controls.ts";
import { runFileName } from "../../worker/contract/run-file.ts";
import { removeWorkerGroup } from "../../worker/src/adapters/cgroups/worker-group.ts";
import { type OpenCopy, openCopy } from "../support/open-copy.ts";
import { startRedis, type TestRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";
import { TestFleet } from "../worker/support/fleet.ts";

/** Nobody on Debian, and no user of anything else in these tests. */
const STRANGER = 65_534;

describe("verify, on workers of this machine", function () {
  this.timeout(60_000);
  let server: TestRedis;
  let fleet: TestFleet;
  let copy: OpenCopy;
  let folder: string;
  before(async function () {
    copy = await openCopy();
    if (process.getuid?.() !== 0 || copy.helper === "") {
      process.stdout.write("      not tested here: confined workers: needs root, and the sandbox's helper\n");
      return this.skip();
    }
    server = await startRedis();
  });
  after(async () => {
    copy.remove();
    await server?.stop();
  });
  beforeEach(() => {
    fleet = new TestFleet(server);
    folder = mkdtempSync(join(tmpdir(), "taskfleet-verify-"));
  });
  afterEach(async () => {
    await fleet.close();
    rmSync(folder, { recursive: true });
  });

  /** Starts a worker and gives what is found of it, as `control state found`. */
  async function found(run: string, environment: Readonly<Record<string, string>>, uid?: number) {
    const settings = {
      TASKFLEET_CONFINE: "on",
      TASKFLEET_RUN_DIRECTORY: run,
      TASKFLEET_HANDLERS: "",
      TASKFLEET_SANDBOX_HELPER: copy.helper,
      ...environment,
    };
    const user = { node: copy.node, ...(uid === undefined ? {} : { uid }) };
    const worker = await fleet.worker(settings, "supervise", copy.main, user).ready();
    await waitFor("its run file", () => existsSync(join(run, runFileName(worker.id))));
    const controls = await waitFor("the report", async () => {
      const [report] = await fleet.queue.workers.list();
      return report?.controls as Controls | undefined;
    });
    const shell = localShell(process.env);
    const [subject, ...more] = await gatherWorkers(shell, join(folder, "run"), JSON.stringify(controls));
    assert.ok(subject !== undefined && more.length === 0);
    assert.equal(subject.name, worker.id);
    await worker.remove();
    await removeWorkerGroup(run, worker.id);
    return { service: subject.service, verdicts: judge(subject) };
  }
  const lines = ({ verdicts }: Awaited<ReturnType<typeof found>>) =>
    verdicts.map(({ control, state, found }) => `${control} ${state} ${found}`);

  it("proves what confines one that root starts, of a further class too", async () => {
    const result = await found(join(folder, "run-gpu"), {});
    assert.equal(result.service, "gpu");
    assert.deepEqual(lines(result), [
      "uid ok 65532",
      "capabilities ok none",
      "noNewPrivileges ok yes",
      "seccomp ok filter",
      "readOnlyRoot ok yes",
      "pids ok 256",
      "memory ok 512 MiB",
      "namespaces none -",
      "engineSocket none -",
      "privileged none -",
      "attempts none -",
    ]);
  });

  it("names what the spec switches off", async () => {
    const result = await found(join(folder, "run"), { TASKFLEET_READ_ONLY_ROOT: "off" });
    const bad = result.verdicts.filter(({ state }) => state !== "ok" && state !== "none");
    assert.deepEqual(bad, [
      {
        control: "readOnlyRoot",
        state: "failed",
        found: "writable",
        why: "its root is mounted writable: the spec's security switches it off",
      },
    ]);
  });

  it("shows as lost, with the reason, what another user cannot have", async () => {
    chownSync(folder, STRANGER, STRANGER);
    const run = join(folder, "run");
    mkdirSync(run);
    chownSync(run, STRANGER, STRANGER);
    const result = await found(run, { TMPDIR: folder, HOME: folder }, STRANGER);
    const states = result.verdicts.map(({ control, state }) => [control, state]);
    const { memory, pids, ...others } = Object.fromEntries(states);
    assert.deepEqual([memory, pids], ["lost", "lost"]);
    assert.ok(
      Object.values(others).every((state) => state !== "failed"),
      JSON.stringify(result.verdicts),
    );
    // It is no root, whoever it is: that is what counts.
    assert.equal(others.uid, "ok");
    assert.match(result.verdicts.find(({ control }) => control === "memory")?.why ?? "", /^.+: .+$/);
  });
});
