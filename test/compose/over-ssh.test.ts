import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { composeProject } from "../../components/hosts/compose/compose-project.ts";
import { localShell } from "../../components/hosts/compose/local-shell.ts";
import type { ComposeHost, RecordedProject } from "../../components/hosts/compose/project-inputs.ts";
import { sshShell } from "../../components/hosts/compose/ssh-shell.ts";
import { quietPort } from "../support/quiet-port.ts";
import { TestEngine } from "./engine.ts";
import { busyboxImage, SmallProject, smallComposeFile } from "./small-project.ts";
import { SshHost, sshProblem } from "./ssh-host.ts";

describe("a Compose project over SSH", function () {
  this.timeout(600_000);
  this.bail(true);
  const engine = new TestEngine();
  const server = new SshHost();
  const image = "project-busybox:ssh";
  const project = new SmallProject(image);
  let port = 0;
  let host: Extract<ComposeHost, { kind: "ssh" }>;
  let state: RecordedProject;
  /** Whether anything of the project may be on the host. */
  let there = false;
  const inputs = () => project.inputs(smallComposeFile({ port }), { host });
  const reason = (attempt: Promise<unknown>) =>
    attempt.then(
      () => assert.fail("it should fail"),
      (error: Error) => error.message,
    );

  before(async function () {
    if (sshProblem() !== undefined) {
      console.log(`    skipped: ${sshProblem()}`);
      this.skip();
    }
    await engine.start(this);
    busyboxImage((...words) => engine.run(...words), image, "ssh");
    await server.start({ DOCKER_HOST: engine.host }, { "docker-compose": engine.composeProgram });
    port = await quietPort();
    host = server.host;
    // There is no engine on this side.
    process.env.DOCKER_HOST = "unix:///nowhere.sock";
  });

  after(async () => {
    try {
      if (there) await project.destroy(inputs());
    } finally {
      await server.stop();
      process.env.DOCKER_HOST = engine.host;
      engine.run("rmi", "-f", image);
      project.remove();
      await engine.stop();
    }
  });

  it("runs commands with any word, input and working directory, as the local shell does", async () => {
    const shell = sshShell(host, process.env);
    const words = ["it's", 'a "word"', "$HOME `id`", "", "two\nlines", "*"];
    const script = 'pwd; cat; printf "<%s>" "$@"; echo bad >&2; exit 7';
    const command = ["sh", "-c", script, "sh", ...words];
    const options = { stdin: "from here", directory: project.folder };
    const answer = await shell.run(command, options);
    assert.deepEqual(answer, await localShell(process.env).run(command, options));
    assert.deepEqual(answer, {
      code: 7,
      stdout: `${project.folder}\nfrom here${words.map((word) => `<${word}>`).join("")}`,
      stderr: "bad\n",
    });
    assert.equal((await shell.run(["no-such-program"])).code, 127);
  });

  it("comes up, sees drift and heals it, with its files on the other side", async () => {
    there = true;
    state = await project.create(inputs());
    assert.deepEqual([state.folder, state.drift], [project.directory, {}]);
    const secret = join(project.directory, "secrets/password");
    assert.deepEqual([statSync(secret).mode & 0o777, readFileSync(secret, "utf8")], [0o444, "first secret"]);
    process.env.DOCKER_HOST = engine.host;
    engine.run("rm", "-f", ...engine.ps(project.name, "other"));
    process.env.DOCKER_HOST = "unix:///nowhere.sock";
    rmSync(secret);
    const drifted = await project.refresh(state);
    assert.deepEqual(drifted.drift, { other: "missing", "secrets/password": "missing" });
    state = await project.update(drifted, inputs());
    assert.deepEqual(state.drift, {});
    assert.deepEqual(composeProject.diff(await project.refresh(state), inputs()).changes, false);
  });

  it("touches no project of the same name that is up from another folder", async () => {
    const elsewhere = { ...inputs(), directory: join(project.folder, "elsewhere") };
    const message = new RegExp(`^project ${project.name} is up from .* \\(container ${project.name}-`);
    assert.match(await reason(composeProject.create(elsewhere)), message);
    assert.match(await reason(project.destroy(elsewhere)), message);
    assert.deepEqual((await project.refresh(state)).drift, {});
  });

  it("names who has a port there", async () => {
    const other = new SmallProject(image);
    const attempt = reason(other.create(other.inputs(smallComposeFile({ port }), { host })));
    assert.match(
      await attempt,
      new RegExp(
        `^port ${port} of ${server.destination}, which server is to publish, is in use by container ${project.name}-server-1: stop it, or choose another port in the spec\n`,
      ),
    );
    await other.destroy(other.inputs(smallComposeFile({ port }), { host }));
    other.remove();
  });

  it("goes, and leaves nothing there", async () => {
    await composeProject.delete({ ...state, deleteData: true });
    assert.equal(existsSync(project.directory), false);
    there = false;
  });

  it("says in one line why it does not get through", async () => {
    server.disconnect();
    const strange = { ...host, port: await quietPort() };
    assert.equal(
      await reason(sshShell(strange, process.env).run(["true"])),
      `cannot reach ${server.destination} over SSH: connection refused: start sshd there, or correct the port`,
    );
    const keyless = { ...host, identityFile: "/dev/null" };
    assert.equal(
      await reason(sshShell(keyless, process.env).run(["true"])),
      `cannot reach ${server.destination} over SSH: it refuses the login: give it this user's public key, or name another key (taskfleet:hostKey)`,
    );
    server.forgetHostKey();
    assert.equal(
      await reason(composeProject.create(inputs())),
      `cannot reach ${server.destination} over SSH: its host key is not known: log in once by hand and check it`,
    );
  });
});
