import assert from "node:assert/strict";
import { dirname } from "node:path";
import { PATHS } from "../../components/paths.ts";
import { HOSTILE_PROGRAMS, hostilePayload } from "../../examples/hostile/programs.ts";
import { sharedHelper } from "../sandbox/support/machines.ts";
import { environmentsWith } from "../sandbox/support/processes.ts";
import { SandboxRunner } from "../sandbox/support/sandbox-runner.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { waitFor } from "../support/wait.ts";

const IMAGE = "taskfleet-test-empty";
/** As P16 has workers: everything that a container can be denied is. */
const HARDENED = [
  ...["--network", "none", "--read-only", "--tmpfs", "/tmp:mode=1777", "--user", "65532:65532"],
  ...["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512", "--memory", "2g"],
];

const helper = sharedHelper();
const problem = helper === "" ? "the sandbox's helper is not built" : engineProblem();

describe("hostile programs in the sandbox of a hardened container", function () {
  this.timeout(120_000);
  if (problem !== undefined) {
    it(`end with their reasons (not run here: ${problem})`, function () {
      this.skip();
    });
    return;
  }
  const engine = new DockerEngine();
  let runner: SandboxRunner;
  before(async () => {
    await engine.start();
    engine.emptyImage(IMAGE);
    const mounts = ["/usr", PATHS.root, dirname(helper)].flatMap((path) => ["-v", `${path}:${path}:ro`]);
    const docker = ["-H", engine.environment.DOCKER_HOST ?? "", "run", "--rm", "-i", ...HARDENED, ...mounts];
    runner = new SandboxRunner({ helper }, undefined, false, [engine.docker, ...docker, IMAGE]);
  });
  after(async () => {
    await runner.stop();
    await waitFor("the container's end", () => engine.run("ps", "-q") === "");
    await engine.stop();
  });

  it("is Landlock's, complete, one program at a time", async () => {
    assert.deepEqual(await runner.hello, { backEnd: "landlock", unenforced: [], oneAtATime: true });
  });

  it("runs an ordinary program", async () => {
    const { output } = await runner.run({ command: ["node", "-p", "6 * 7"], untrusted: true });
    assert.equal(output?.stdout, "42\n");
  });

  for (const program of HOSTILE_PROGRAMS)
    it(`${program.file} ends with the reason "${program.reason}"`, async () => {
      const mark = `hostile-container-${process.pid}-${program.file}`;
      const answer = await runner.run({ ...hostilePayload(program), environment: { HOSTILE_MARK: mark } });
      assert.equal(answer.reason, program.reason, JSON.stringify(answer));
      assert.deepEqual(environmentsWith(mark), [], "something of it runs on");
    });
});
