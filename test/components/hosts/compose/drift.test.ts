import assert from "node:assert/strict";
import type { ProjectContainer } from "../../../../components/hosts/compose/compose-engine.ts";
import { parseDefinition } from "../../../../components/hosts/compose/definition.ts";
import { countReplicas, findDrift, publishedPorts } from "../../../../components/hosts/compose/drift.ts";
import type { FileState } from "../../../../components/hosts/compose/project-files.ts";

const fixed = { scaled: false, interpolated: false, replicas: 1 };
const services = {
  redis: fixed,
  setup: fixed,
  spawner: { ...fixed, replicas: 2 },
  "watch-queue": { ...fixed, interpolated: true },
  worker: { scaled: true, interpolated: true, replicas: 0 },
};
const definition = parseDefinition(
  JSON.stringify({
    services: {
      redis: { image: "redis:7", ports: [{ published: "6379", host_ip: "127.0.0.1", target: 6379 }] },
      setup: { image: "app" },
      spawner: { image: "app", depends_on: { setup: { condition: "service_completed_successfully" } } },
      "watch-queue": { image: "app", environment: { TASKFLEET_REVISION: "one", EMPTY: null } },
      worker: { image: "app" },
    },
  }),
  "redis h-redis\nsetup h-setup\nspawner h-spawner\nwatch-queue h-watch\nworker h-worker\n",
);

function container(service: string, changes: Partial<ProjectContainer> = {}): ProjectContainer {
  return {
    id: service,
    name: `${service}-1`,
    service,
    oneOff: false,
    status: "running",
    exitCode: 0,
    health: "healthy",
    startedAt: "",
    configHash: definition[service]?.hash ?? "",
    environment: { TASKFLEET_REVISION: "one" },
    workingDirectory: "/p",
    mounts: [],
    ports: [],
    ...changes,
  };
}

const whole = [
  container("redis"),
  container("setup", { status: "exited", health: "" }),
  container("spawner"),
  container("spawner"),
  container("watch-queue"),
];
const imageIds = { TASKFLEET_IMAGE: "sha256:1" };

/** The drift of a whole project with these containers in the place of theirs. */
function driftWith(...changed: readonly ProjectContainer[]) {
  const names = changed.map(({ service }) => service);
  const containers = [...whole.filter(({ service }) => !names.includes(service)), ...changed];
  return findDrift({ services, imageIds }, { files: new Map(), containers, definition, imageIds });
}

describe("drift of a Compose project", () => {
  it("is none when all is as it was brought up, however many workers there are", () => {
    assert.deepEqual(driftWith(), {});
    assert.deepEqual(driftWith(container("worker", { configHash: "other" }), container("worker")), {});
  });

  it("names each way in which a fixed service is not as it was", () => {
    const other = { configHash: "other" };
    assert.deepEqual(driftWith(container("redis", { status: "exited", exitCode: 137 })), {
      redis: "stopped (exit code 137)",
    });
    assert.deepEqual(driftWith(container("redis", { status: "restarting" })), { redis: "restarting" });
    assert.deepEqual(driftWith(container("redis", { health: "unhealthy" })), { redis: "unhealthy" });
    assert.deepEqual(driftWith(container("redis", { health: "starting" })), {});
    assert.deepEqual(driftWith(container("redis", other)), { redis: "has another definition" });
    assert.deepEqual(driftWith(container("spawner")), { spawner: "1 of 2 containers" });
    assert.deepEqual(driftWith(container("setup", { status: "exited", exitCode: 1 })), {
      setup: "stopped (exit code 1)",
    });
    assert.deepEqual(driftWith(container("stranger")), { stranger: "not in compose.yaml" });
    assert.deepEqual(driftWith(container("stranger", { oneOff: true })), {});
  });

  it("takes a value from the shell for none, and another revision for one", () => {
    const watcher = (revision: string) =>
      container("watch-queue", { configHash: "other", environment: { TASKFLEET_REVISION: revision } });
    assert.deepEqual(driftWith(watcher("one")), {});
    assert.deepEqual(driftWith(watcher("two")), { "watch-queue": "has another definition" });
  });

  it("names missing services, files and images", () => {
    const files = new Map<string, FileState>([
      ["compose.yaml", "changed"],
      [".env", "intact"],
      ["secrets/a", "has mode 0644"],
    ]);
    const observed = { files, containers: [], definition: null, imageIds: {} };
    assert.deepEqual(findDrift({ services, imageIds }, observed), {
      "compose.yaml": "changed",
      "secrets/a": "has mode 0644",
      redis: "missing",
      setup: "missing",
      spawner: "missing",
      "watch-queue": "missing",
      TASKFLEET_IMAGE: "the image is gone",
    });
  });

  it("counts running workers, and tells what is published where", () => {
    const ports = [
      { inside: 8080, address: "0.0.0.0", port: 80 },
      { inside: 8080, address: "::", port: 80 },
    ];
    const all = [container("worker"), container("worker", { status: "exited" }), container("api", { ports })];
    assert.deepEqual(countReplicas(services, all), { worker: 1 });
    assert.deepEqual(publishedPorts(all), { "api:8080": "0.0.0.0:80" });
  });

  it("reads one-shots, ports and empty variables from what Compose prints", () => {
    assert.deepEqual(
      [definition.setup?.oneShot, definition.redis?.oneShot, definition.redis?.published],
      [true, false, [{ address: "127.0.0.1", port: 6379 }]],
    );
    assert.deepEqual(definition["watch-queue"]?.environment, { TASKFLEET_REVISION: "one", EMPTY: "" });
  });
});
