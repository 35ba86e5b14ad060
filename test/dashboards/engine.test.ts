import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prometheusConfig } from "../../components/platform/observability/prometheus.ts";
import { observabilityServices, SYSLOG_LOGGING } from "../../components/platform/observability/services.ts";
import { DockerEngine, engineProblem } from "../support/docker-engine.ts";
import { makeBases } from "../support/standins/bases.ts";
import { makeServers, serversProblem } from "../support/standins/servers.ts";
import { waitFor } from "../support/wait.ts";

const OPTIONS = { networks: true };
const NAME = `taskfleet-dashboards-${process.pid}`;
const SERVICES = {
  spawners: [],
  workers: ["worker"],
  api: false,
  watchQueue: false,
  backup: false,
  redisExporter: false,
};

describe("on a real engine", function () {
  this.timeout(300_000);
  const problem = engineProblem(OPTIONS) ?? serversProblem();
  if (problem !== undefined) {
    it(`logs are shipped, and workers found by their service's name (not tested here: ${problem})`, function () {
      this.skip();
    });
    return;
  }
  const engine = new DockerEngine(OPTIONS);
  const folder = mkdtempSync(join(tmpdir(), "taskfleet-prometheus-"));
  const containers: string[] = [];
  let toolbox: string;
  let images: ReturnType<typeof makeServers>;

  /** Starts a container that is removed after the tests; `words`: options, image and command. */
  const start = (name: string, ...words: readonly string[]) => {
    containers.push(`${NAME}-${name}`);
    engine.run("run", "-d", "--name", `${NAME}-${name}`, ...words);
  };

  before(async () => {
    await engine.start();
    toolbox = makeBases(engine).TOOLBOX_BASE;
    images = makeServers(engine);
    engine.run("network", "create", "--internal", NAME);
  });

  after(async () => {
    for (const name of containers) engine.run("rm", "-f", "-v", name);
    engine.run("network", "rm", NAME);
    await engine.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  describe("logs", () => {
    let socket: Socket;
    const messages: string[] = [];
    before(async () => {
      socket = createSocket("udp4").on("message", (message) => messages.push(message.toString()));
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
    });
    after(() => socket.close());

    it("leave a container as syslog that names service and container within RFC 5424's limits", async () => {
      const options = {
        ...SYSLOG_LOGGING.options,
        "syslog-address": `udp://127.0.0.1:${socket.address().port}`,
      };
      const service = "spawner-of-a-class-with-a-long-name";
      start(
        "logs",
        ...["--log-driver", SYSLOG_LOGGING.driver],
        ...Object.entries(options).flatMap(([name, value]) => ["--log-opt", `${name}=${value}`]),
        ...["--label", `com.docker.compose.service=${service}`, "--network", "none"],
        ...["--entrypoint", "/bin/busybox", toolbox, "echo", '{"level":"error"}'],
      );
      await waitFor("a message", () => messages.length > 0);
      const [message = ""] = messages;
      const [, app = "", id = "", text] = /^<\d+>1 \S+ \S+ (\S+) \S+ (\S+) - (.*)\n$/.exec(message) ?? [];
      const container = engine.run("inspect", "-f", "{{.Id}}", `${NAME}-logs`).slice(0, 7);
      assert.equal(app, `spawner-of-a-class-with-/${container}`);
      assert.equal(text, '{"level":"error"}');
      assert.ok(id.length <= 32, id);
      assert.equal(engine.run("logs", `${NAME}-logs`), '{"level":"error"}\n');
    });
  });

  it("Prometheus finds every worker by the service's name, and tells which is which", async () => {
    const metrics =
      "mkdir /tmp/w && echo worker_errors_total 1 >/tmp/w/metrics && exec httpd -f -p 9464 -h /tmp/w";
    for (const one of ["a", "b"])
      start(
        one,
        ...["--network", NAME, "--network-alias", "worker"],
        ...["--entrypoint", "/bin/busybox", toolbox, "sh", "-c", metrics],
      );
    const config = prometheusConfig({
      fleet: "found",
      services: SERVICES,
      receiver: { kind: "none" },
      grafana: false,
      logs: false,
    })
      .replace(/rule_files:\n.*\n/, "")
      .replace("scrape_interval: 15s", "scrape_interval: 1s")
      .replace("scrape_timeout: 10s", "scrape_timeout: 1s");
    writeFileSync(join(folder, "prometheus.yml"), config, { mode: 0o444 });
    const described = observabilityServices({ services: SERVICES, grafana: false, logs: false }).find(
      ({ name }) => name === "prometheus",
    );
    assert.ok(described !== undefined);
    start(
      "prometheus",
      ...["--network", NAME, "--user", described.user, "--read-only"],
      ...["-v", `${join(folder, "prometheus.yml")}:${described.files[0]?.to}:ro`],
      ...["--health-cmd", (described.healthCheck ?? []).map((word) => `'${word}'`).join(" ")],
      ...["--health-interval", "1s", images.prometheus, ...described.command],
    );
    const ask = (...words: readonly string[]) => engine.run("exec", `${NAME}-prometheus`, ...words);
    await waitFor(
      "Prometheus' health check to pass",
      () =>
        engine.run("inspect", "-f", "{{.State.Health.Status}}", `${NAME}-prometheus`).trim() === "healthy",
      { everyMs: 500 },
    );
    const found = await waitFor("both workers", () => {
      const answer = ask("promtool", "query", "instant", "http://127.0.0.1:9090", 'up{job="worker"} == 1');
      const lines = answer.trim().split("\n");
      return lines.length === 2 ? lines : null;
    });
    const addresses = ["a", "b"].map((one) =>
      engine
        .run("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", `${NAME}-${one}`)
        .trim(),
    );
    assert.deepEqual(
      found.map((line) => line.split(" => ")[0]).sort(),
      addresses.map((address) => `up{instance="worker@${address}", job="worker", service="worker"}`).sort(),
    );
  });
});
