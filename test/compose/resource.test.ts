import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { composeProject } from "../../components/hosts/compose/compose-project.ts";
import type { RecordedProject } from "../../components/hosts/compose/project-inputs.ts";
import { quietPort } from "../support/quiet-port.ts";
import { waitFor } from "../support/wait.ts";
import { TestEngine } from "./engine.ts";
import { busyboxImage, SmallProject, smallComposeFile } from "./small-project.ts";

/** What the server says, once it listens: the engine takes connections before it does, and ends them without a word. */
function answerOf(port: number): Promise<string> {
  return waitFor("the server's answer", async () => (await oneAnswer(port)) || null);
}

function oneAnswer(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("utf8").on("data", (text) => {
      answer += text;
    });
    socket.on("end", () => resolve(answer)).on("error", reject);
  });
}

describe("a Compose project on an engine", function () {
  this.timeout(240_000);
  this.bail(true);
  const engine = new TestEngine();
  const images = { first: "project-busybox:first", second: "project-busybox:second" };
  const project = new SmallProject(images.first);
  let port = 0;
  let state: RecordedProject;

  /** Id and start of a service's containers. */
  const containers = (service: string) =>
    engine
      .ps(project.name, service)
      .map((id) => engine.run("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", id).trim());
  const volumes = () => engine.run("volume", "ls", "-q", "--filter", `name=${project.name}`).trim();
  const file = (path: string) => join(project.directory, path);

  before(async function () {
    await engine.start(this);
    for (const [label, name] of Object.entries(images))
      busyboxImage((...words) => engine.run(...words), name, label);
    port = await quietPort();
  });

  after(async () => {
    await project.destroy(project.inputs(smallComposeFile({ port })));
    for (const image of Object.values(images)) engine.run("rmi", "-f", image);
    project.remove();
    await engine.stop();
  });

  it("comes up: its files with their modes, its fixed services healthy, none of the scaled one", async () => {
    state = await project.create(project.inputs(smallComposeFile({ port })));
    const id = engine.run("image", "inspect", "--format", "{{.Id}}", images.first).trim();
    const socket = engine.host.replace("unix://", "");
    assert.deepEqual(
      { ...state, ...project.inputs(smallComposeFile({ port })) },
      {
        ...project.inputs(smallComposeFile({ port })),
        folder: project.directory,
        imageIds: { TASKFLEET_IMAGE: id },
        previousImages: {},
        variables: {
          TASKFLEET_IMAGE: images.first,
          TASKFLEET_IMAGE_TAG: id,
          TASKFLEET_PROJECT_DIRECTORY: project.directory,
          TASKFLEET_DOCKER_SOCKET: socket,
          TASKFLEET_DOCKER_GROUP: String(statSync(socket).gid),
        },
        drift: {},
        replicas: { worker: 0 },
        published: { "server:8000": `127.0.0.1:${port}` },
      },
    );
    assert.deepEqual(readFileSync(file(".env"), "utf8").split("\n"), [
      "OTHER=1",
      `TASKFLEET_DOCKER_GROUP=${statSync(socket).gid}`,
      `TASKFLEET_DOCKER_SOCKET=${socket}`,
      `TASKFLEET_IMAGE=${images.first}`,
      `TASKFLEET_IMAGE_TAG=${id}`,
      `TASKFLEET_PROJECT_DIRECTORY="${project.directory}"`,
      "",
    ]);
    const modes = [".", "secrets", "secrets/password", "observability", "observability/server.conf"];
    assert.deepEqual(
      modes.map((path) => (statSync(file(path)).mode & 0o777).toString(8)),
      ["755", "700", "444", "755", "444"],
    );
    assert.equal(await answerOf(port), "first secret");
    assert.deepEqual([containers("other").length, containers("worker").length], [1, 0]);
  });

  it("finds nothing to do when nothing changed", async () => {
    const refreshed = await project.refresh(state);
    assert.deepEqual(refreshed, state);
    assert.deepEqual(composeProject.diff(refreshed, project.inputs(smallComposeFile({ port }))), {
      changes: false,
      replaces: [],
    });
  });

  it("sees stopped, missing and paused services and files changed by hand, and heals them", async () => {
    engine.run("kill", ...engine.ps(project.name, "server"));
    engine.run("rm", "-f", ...engine.ps(project.name, "other"));
    engine.run("pause", ...engine.ps(project.name, "watch-queue"));
    rmSync(file("secrets/password"));
    writeFileSync(file("observability/server.conf"), "level: 2\n");
    const drifted = await project.refresh(state);
    assert.deepEqual(drifted.drift, {
      "observability/server.conf": "changed",
      "secrets/password": "missing",
      server: "stopped (exit code 137)",
      other: "missing",
      "watch-queue": "paused",
    });
    assert.equal(composeProject.diff(drifted, project.inputs(smallComposeFile({ port }))).changes, true);
    state = await project.update(drifted, project.inputs(smallComposeFile({ port })));
    assert.deepEqual(state.drift, {});
    assert.equal(await answerOf(port), "first secret");
    assert.equal(readFileSync(file("observability/server.conf"), "utf8"), "level: 1\n");
  });

  it("sees a definition changed by hand, with the file or without, and heals it", async () => {
    const text = readFileSync(file("compose.yaml"), "utf8");
    rmSync(file("compose.yaml"));
    writeFileSync(file("compose.yaml"), text.replace('GREETING: "hello"', 'GREETING: "by hand"'), {
      mode: 0o444,
    });
    assert.deepEqual((await project.refresh(state)).drift, { "compose.yaml": "changed" });
    engine.compose({}, project.directory, project.name, "up", "-d", "server");
    rmSync(file("compose.yaml"));
    writeFileSync(file("compose.yaml"), text, { mode: 0o444 });
    const drifted = await project.refresh(state);
    assert.deepEqual(drifted.drift, { server: "has another definition" });
    const untouched = containers("other");
    state = await project.update(drifted, project.inputs(smallComposeFile({ port })));
    assert.deepEqual(state.drift, {});
    assert.deepEqual(containers("other"), untouched);
  });

  it("takes neither replicas nor WORKER_ variables by hand for drift", async () => {
    const environment = { WORKER_CONCURRENCY: "12" };
    engine.compose(environment, project.directory, project.name, "up", "-d", "--scale", "worker=3");
    const refreshed = await project.refresh(state);
    assert.deepEqual([refreshed.drift, refreshed.replicas], [{}, { worker: 3 }]);
    assert.equal(composeProject.diff(refreshed, project.inputs(smallComposeFile({ port }))).changes, false);
    state = refreshed;
  });

  it("makes only the changed service anew, and leaves workers to who scales them", async () => {
    const [other, workers, server] = [containers("other"), containers("worker"), containers("server")];
    const inputs = project.inputs(smallComposeFile({ port, greeting: "good day" }));
    assert.equal(composeProject.diff(state, inputs).changes, true);
    state = await project.update(state, inputs);
    assert.deepEqual([containers("other"), containers("worker")], [other, workers]);
    assert.notDeepEqual(containers("server"), server);
    assert.deepEqual([state.drift, state.replicas], [{}, { worker: 3 }]);
  });

  it("brings a rotated secret to a running process, which goes on", async () => {
    const before = containers("server");
    const inputs = project.inputs(smallComposeFile({ port, greeting: "good day" }));
    state = await project.update(state, project.withFile(inputs, "secrets/password", "second"));
    assert.equal(await answerOf(port), "second");
    assert.deepEqual(containers("server"), before);
  });

  it("starts anew who has another file mounted that changed, and nobody else", async () => {
    const [server, other] = [containers("server"), containers("other")];
    const inputs = project.inputs(smallComposeFile({ port, greeting: "good day" }));
    state = await project.update(state, project.withFile(inputs, "observability/server.conf", "level: 3\n"));
    const [id = ""] = engine.ps(project.name, "server");
    assert.equal(engine.run("exec", id, "cat", "/etc/server.conf"), "level: 3\n");
    assert.notDeepEqual(containers("server"), server);
    assert.deepEqual(containers("other"), other);
  });

  it("removes files that are no longer wanted, and sees an image that was named anew", async () => {
    const inputs = project.inputs(smallComposeFile({ port, greeting: "good day" }));
    state = await project.update(state, project.withFile(inputs, "observability/deep/more.conf", "x"));
    assert.ok(existsSync(file("observability/deep/more.conf")));
    engine.run("tag", images.second, images.first);
    const refreshed = await project.refresh(state);
    assert.deepEqual(refreshed.drift, { TASKFLEET_IMAGE: "names another image now" });
    const before = containers("other");
    state = await project.update(refreshed, inputs);
    assert.deepEqual([existsSync(file("observability/deep")), state.drift], [false, {}]);
    assert.notDeepEqual(containers("other"), before);
    const id = engine.run("image", "inspect", "--format", "{{.Id}}", images.second).trim();
    assert.deepEqual(state.imageIds, { TASKFLEET_IMAGE: id });
  });

  it("says which service does not become healthy, why, and what there is; the next update goes on", async () => {
    const command = "echo cannot open the ledger; exit 3";
    const broken = project.inputs(smallComposeFile({ port, serverCommand: command }));
    const failure = await composeProject.update(state, broken).then(
      () => assert.fail("it should not come up"),
      (error: Error & { state: object }) => error,
    );
    assert.match(
      failure.message,
      /^service server ended with exit code 3, so the project in .* is not up; the end of its log:\ncannot open the ledger\nSo far there is of project .*: its files in .*, \d+ containers\. The next update goes on from there; down removes it\.$/,
    );
    state = await project.update(
      { ...broken, ...failure.state } as RecordedProject,
      project.inputs(smallComposeFile({ port })),
    );
    assert.deepEqual([state.drift, await answerOf(port)], [{}, "first secret"]);
  });

  it("goes: workers finish first, networks and files are removed, volumes stay until deleteData", async () => {
    const reader = engine.ps(project.name, "server")[0] ?? "";
    assert.equal(containers("worker").length, 3);
    engine.run("exec", reader, "sh", "-c", "echo kept >/data/kept");
    await composeProject.delete(state);
    assert.deepEqual(engine.ps(project.name), []);
    assert.equal(engine.run("network", "ls", "-q", "--filter", `name=${project.name}`), "");
    assert.equal(existsSync(project.directory), false);
    assert.equal(volumes(), `${project.name}_data`);
    const mount = `${project.name}_data:/data`;
    assert.equal(
      engine.run("run", "--rm", "-v", mount, images.second, "cat", "/data/finished", "/data/kept"),
      "finished\nkept\n",
    );
    assert.ok(existsSync(state.record));
    await composeProject.delete({ ...state, deleteData: true });
    await waitFor("the volume to go", () => volumes() === "");
    assert.equal(existsSync(state.record), false);
  });
});
