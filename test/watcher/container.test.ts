import assert from "node:assert/strict";
import { parseContainers } from "../../worker/src/adapters/compose/container.ts";
import { parseEvent } from "../../worker/src/adapters/compose/engine-events.ts";
import { composeEnvironment, dockerEnvironment } from "../../worker/src/adapters/compose/run-command.ts";

const ID = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

function inspected(state: object, config: object = {}) {
  return {
    Id: ID,
    Created: "2026-03-04T05:06:07.123456789Z",
    State: {
      ...{ Status: "running", StartedAt: "2026-03-04T05:06:08.5Z", ExitCode: 0, OOMKilled: false },
      ...state,
    },
    Config: {
      Hostname: "0123456789ab",
      Env: ["A=1", "TASKFLEET_REVISION=r7=x"],
      StopTimeout: 330,
      ...config,
    },
  };
}

const read = (state: object, config: object = {}) =>
  parseContainers(JSON.stringify([inspected(state, config)]))[0];

describe("watch-queue: what the engine says", () => {
  it("of a container: its run, its revision, how long it may take to end", () => {
    const startedAt = Date.UTC(2026, 2, 4, 5, 6, 8, 500);
    assert.deepEqual(read({}), {
      id: "0123456789ab",
      run: `0123456789ab@${startedAt}`,
      host: "0123456789ab",
      revision: "r7=x",
      state: "running",
      startedAt,
      exitCode: 0,
      oomKilled: false,
      stopMs: 330_000,
    });
    assert.deepEqual(read({}, { Env: null, StopTimeout: null })?.revision, "");
    assert.equal(read({}, { StopTimeout: undefined })?.stopMs, 330_000);
  });

  it("of its state: created since it was made, ended with its code, gone while it is removed", () => {
    const created = read({ Status: "created", StartedAt: "0001-01-01T00:00:00Z" });
    assert.deepEqual([created?.state, created?.startedAt], ["created", Date.UTC(2026, 2, 4, 5, 6, 7, 123)]);
    const ended = read({ Status: "exited", ExitCode: 137, OOMKilled: true });
    assert.deepEqual([ended?.state, ended?.exitCode, ended?.oomKilled], ["ended", 137, true]);
    assert.equal(read({ Status: "paused" })?.state, "running");
    assert.equal(read({ Status: "removing" }), undefined);
  });

  it("in its events: ends, signals and memory, and nothing of checks", () => {
    const line = (Action: string, more: object = {}) =>
      JSON.stringify({
        Action,
        Actor: { ID, Attributes: { "com.docker.compose.service": "worker", ...more } },
      });
    const event = { id: "0123456789ab", service: "worker", exitCode: 0, signal: 0 };
    assert.deepEqual(parseEvent(line("die", { exitCode: "3" })), { ...event, type: "die", exitCode: 3 });
    assert.deepEqual(parseEvent(line("kill", { signal: "15" })), { ...event, type: "kill", signal: 15 });
    assert.deepEqual(parseEvent(line("oom")), { ...event, type: "oom" });
    assert.equal(parseEvent(line("exec_start: taskfleet health")), undefined);
  });

  it("is asked without our secrets; Compose also gets what its files interpolate", () => {
    const env = {
      ...{ PATH: "/bin", HOME: "/tmp", DOCKER_HOST: "unix:///s", REDIS_PASSWORD: "x", REDIS_URL: "y" },
      ...{ WORKER_CONCURRENCY: "12", TASKFLEET_WATCH: "z" },
    };
    const docker = { PATH: "/bin", HOME: "/tmp", DOCKER_HOST: "unix:///s" };
    assert.deepEqual(dockerEnvironment(env), docker);
    assert.deepEqual(composeEnvironment(env), { ...docker, WORKER_CONCURRENCY: "12" });
  });
});
