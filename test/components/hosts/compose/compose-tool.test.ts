import assert from "node:assert/strict";
import {
  checkEngine,
  engineElsewhere,
  findCompose,
  isOlder,
} from "../../../../components/hosts/compose/compose-tool.ts";
import type { HostShell, ShellEnd } from "../../../../components/hosts/compose/host-shell.ts";

/** A host that answers a command line with an end; to others, that there is no such program. */
function host(answers: Readonly<Record<string, Partial<ShellEnd>>>, isLocal = false): HostShell {
  const missing = { code: 127, stdout: "", stderr: "not found" };
  return {
    name: "ada@host",
    isLocal,
    run: async (words) => {
      const answer = answers[words.join(" ")];
      return answer === undefined ? missing : { code: 0, stdout: "", stderr: "", ...answer };
    },
  };
}

const SERVER = "docker version --format {{.Server.Version}}";
const CONTEXT = "docker context inspect --format {{.Endpoints.docker.Host}}";
const PLUGIN = "docker compose version --short";
const STANDALONE = "docker-compose version --short";

describe("the engine and the Compose of a host", () => {
  it("compares versions by number, whatever stands around them", () => {
    assert.deepEqual(
      [
        ["2.24.0", "2.24.0"],
        ["v2.24.0-desktop.1", "2.24.0"],
        ["2.9.9", "2.24.0"],
        ["1.29.2", "2.24.0"],
        ["20.10.24+dfsg1", "20.10.0"],
        ["5.0", "2.24.0"],
        ["unknown", "2.24.0"],
      ].map(([one = "", minimum = ""]) => isOlder(one, minimum)),
      [false, false, true, true, false, false, true],
    );
  });

  it("takes the plugin before the program, and either only when it is new enough", async () => {
    const both = { [PLUGIN]: { stdout: "2.30.1\n" }, [STANDALONE]: { stdout: "5.5.1\n" } };
    assert.deepEqual(await findCompose(host(both)), ["docker", "compose"]);
    const oldPlugin = { ...both, [PLUGIN]: { stdout: "2.23.3\n" } };
    assert.deepEqual(await findCompose(host(oldPlugin)), ["docker-compose"]);
  });

  it("says in one line that Compose is missing or too old, and what to do", async () => {
    await assert.rejects(findCompose(host({})), {
      message:
        "there is no Docker Compose on ada@host: install the plugin docker-compose-plugin 2.24.0 or newer",
    });
    const old = { [PLUGIN]: { stdout: "v2.5.0\n" }, [STANDALONE]: { stdout: "1.29.2\n" } };
    await assert.rejects(findCompose(host(old)), {
      message:
        "Docker Compose of ada@host is v2.5.0 and 1.29.2; needed: 2.24.0 or newer: install the plugin docker-compose-plugin 2.24.0 or newer",
    });
  });

  it("says in one line why the engine is not there", async () => {
    const cases: readonly (readonly [Readonly<Record<string, Partial<ShellEnd>>>, string])[] = [
      [{}, "there is no docker on ada@host: install Docker 20.10.0 or newer with Compose 2.24.0 or newer"],
      [
        {
          [SERVER]: { code: 1, stderr: "Cannot connect to the Docker daemon at unix:///x. Is it running?\n" },
        },
        "cannot reach the container engine of ada@host: Cannot connect to the Docker daemon at unix:///x. Is it running?; start it, or correct DOCKER_HOST",
      ],
      [
        { [SERVER]: { code: 1, stderr: "dial unix /x: connect: permission denied" } },
        "cannot reach the container engine of ada@host: dial unix /x: connect: permission denied; give this user access to it (group docker), or run as root",
      ],
      [
        { [SERVER]: { stdout: "19.3.1\n" } },
        "the engine of ada@host is Docker 19.3.1; needed: 20.10.0 or newer",
      ],
    ];
    for (const [answers, message] of cases) await assert.rejects(checkEngine(host(answers), {}), { message });
  });

  it("refuses an engine of another machine, whose folders are not these", async () => {
    assert.deepEqual(
      [
        "unix:///run/x.sock",
        "tcp://127.0.0.1:2375",
        "tcp://localhost:1",
        "",
        "ssh://ada@host:22",
        "tcp://[fe80::1]:1",
      ].map(engineElsewhere),
      [undefined, undefined, undefined, undefined, "ssh://ada@host:22", "tcp://[fe80::1]:1"],
    );
    const answers = { [SERVER]: { stdout: "28.1.0\n" }, [CONTEXT]: { stdout: "tcp://10.0.0.1:2376\n" } };
    await assert.rejects(checkEngine(host(answers, true), {}), {
      message:
        "the engine at tcp://10.0.0.1:2376 is on another machine, where the project's files are not: name the machine (pulumi config set taskfleet:host user@host), or unset DOCKER_HOST",
    });
    await checkEngine(host(answers), {});
  });
});
