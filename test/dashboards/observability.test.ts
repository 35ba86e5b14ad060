import assert from "node:assert/strict";
import { parse } from "yaml";
import { observabilityFiles } from "../../components/platform/observability/files.ts";
import type { ObservabilityInput } from "../../components/platform/observability/input.ts";
import {
  observabilityServices,
  redisPasswordMap,
  SYSLOG_LOGGING,
} from "../../components/platform/observability/services.ts";
import { needPrograms, runTool } from "./promtool.ts";

const INPUT: ObservabilityInput = {
  fleet: "orders",
  services: {
    spawners: ["spawner", "spawner-gpu"],
    workers: ["worker", "worker-gpu"],
    api: true,
    watchQueue: true,
    backup: false,
    redisExporter: true,
  },
  receiver: { kind: "webhook", url: "http://hooks.internal/fleet" },
  grafana: true,
  logs: true,
};

const contents = (input: ObservabilityInput) =>
  new Map(
    observabilityFiles(input).map(({ path, content }) => [path.replace("observability/", ""), content]),
  );

function content(path: string, input = INPUT): string {
  const found = contents(input).get(path);
  assert.ok(found !== undefined, path);
  return found;
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly dns_sd_configs?: readonly {
    readonly names: readonly string[];
    readonly port: number;
    readonly type: string;
  }[];
}

const scrapeConfigs = (input = INPUT) =>
  (parse(content("prometheus.yml", input)) as { scrape_configs: readonly ScrapeConfig[] }).scrape_configs;

/** Alerts' expressions by name. */
const expressions = (input: ObservabilityInput) =>
  new Map(
    (
      parse(content("rules.yml", input)) as {
        groups: [{ rules: readonly { alert: string; expr: string }[] }];
      }
    ).groups[0].rules.map(({ alert, expr }) => [alert, expr]),
  );

describe("observability files", () => {
  needPrograms(["promtool", "amtool"]);

  it("are these, readable by every container's user and written by none", () => {
    assert.deepEqual(
      observabilityFiles(INPUT).map(({ path }) => path),
      [
        "observability/prometheus.yml",
        "observability/rules.yml",
        "observability/alertmanager.yml",
        "observability/grafana/provisioning/datasources/taskfleet.yaml",
        "observability/grafana/provisioning/dashboards/taskfleet.yaml",
        "observability/grafana/boards/main.json",
        "observability/grafana/boards/cost.json",
        "observability/grafana/boards/runbooks.json",
        "observability/loki.yaml",
        "observability/config.alloy",
      ],
    );
    assert.ok(observabilityFiles(INPUT).every(({ mode }) => mode === "0444"));
  });

  it("leave out what does not run", () => {
    const input = { ...INPUT, grafana: false, logs: false };
    assert.deepEqual([...contents(input).keys()], ["prometheus.yml", "rules.yml", "alertmanager.yml"]);
    assert.deepEqual(
      observabilityServices(input).map(({ name }) => name),
      ["redis-exporter", "alertmanager", "prometheus"],
    );
    const sources = parse(
      content("grafana/provisioning/datasources/taskfleet.yaml", { ...INPUT, logs: false }),
    );
    assert.deepEqual(
      (sources as { datasources: { name: string }[] }).datasources.map(({ name }) => name),
      ["Prometheus", "Alertmanager"],
    );
  });

  it("are what Prometheus takes, rules included", () => {
    const config = content("prometheus.yml").replaceAll("/etc/prometheus/", "");
    const { ok, output } = runTool("promtool", ["check", "config", "prometheus.yml"], {
      "prometheus.yml": config,
      "rules.yml": content("rules.yml"),
    });
    assert.ok(ok, output);
  });

  it("are what Alertmanager takes, with a receiver and without", () => {
    for (const receiver of [INPUT.receiver, { kind: "none" } as const]) {
      const { ok, output } = runTool("amtool", ["check-config", "alertmanager.yml"], {
        "alertmanager.yml": content("alertmanager.yml", { ...INPUT, receiver }),
      });
      assert.ok(ok, output);
    }
  });

  it("send alerts to the webhook that the stack names, and to nobody without one", () => {
    const receivers = (input: ObservabilityInput) =>
      (parse(content("alertmanager.yml", input)) as { receivers: readonly object[] }).receivers;
    assert.deepEqual(receivers(INPUT), [
      { name: "fleet", webhook_configs: [{ url: "http://hooks.internal/fleet", send_resolved: true }] },
    ]);
    assert.deepEqual(receivers({ ...INPUT, receiver: { kind: "none" } }), [{ name: "fleet" }]);
  });

  it("find every process of every service by its name", () => {
    const found = scrapeConfigs().flatMap(({ job_name, dns_sd_configs }) =>
      (dns_sd_configs ?? []).map(({ names, port, type }) => [job_name, names, port, type]),
    );
    assert.deepEqual(found, [
      ["spawner", ["spawner", "spawner-gpu"], 9464, "A"],
      ["worker", ["worker", "worker-gpu"], 9464, "A"],
      ["api", ["api"], 9464, "A"],
      ["watch-queue", ["watch-queue"], 9464, "A"],
      ["redis-exporter", ["redis-exporter"], 9121, "A"],
    ]);
  });

  it("expect of every service but the workers that one is there", () => {
    const rules = expressions(INPUT);
    assert.equal(
      rules.get("ScrapeTargetDown"),
      'max by (job, service, instance) (up) < 1 or absent(up{service="spawner"}) or absent(up{service="spawner-gpu"})' +
        ' or absent(up{service="api"}) or absent(up{service="watch-queue"}) or absent(up{service="redis-exporter"})',
    );
    assert.equal(
      rules.get("NoLeader"),
      'sum by (service) (spawner_leader) < 1 or absent(spawner_leader{service="spawner"}) or absent(spawner_leader{service="spawner-gpu"})',
    );
  });

  it("take the limits and the runbooks' place of the stack", () => {
    const rules = content("rules.yml", {
      ...INPUT,
      limits: { QueueDepthHigh: { limit: 5_000 } },
      runbooks: "https://wiki.internal/fleet",
    });
    assert.match(rules, /max by \(stream\) \(redis_queue_pending\) > 5000\n/);
    assert.match(rules, /runbook_url: https:\/\/wiki\.internal\/fleet\/QueueDepthHigh\.md\n/);
  });

  it("hold the boards as they are committed, with the data source's type", () => {
    const main = JSON.parse(content("grafana/boards/main.json")) as { uid: string };
    assert.equal(main.uid, "taskfleet-main");
  });

  it("keep logs for two weeks, and take lines as long as the engine sends them", () => {
    const loki = parse(content("loki.yaml")) as {
      limits_config: { retention_period: string };
      compactor: { retention_enabled: boolean };
    };
    assert.equal(loki.limits_config.retention_period, "336h");
    assert.equal(loki.compactor.retention_enabled, true);
    const alloy = content("config.alloy");
    assert.match(alloy, /address\s+= "0\.0\.0\.0:1514"\n\s+protocol\s+= "udp"/);
    assert.equal(SYSLOG_LOGGING.options["syslog-address"], "udp://127.0.0.1:1514");
    assert.doesNotMatch(alloy, /docker\.sock/);
  });
});

describe("observability services", () => {
  const services = observabilityServices(INPUT);

  it("run as users of their own, none as root", () =>
    assert.deepEqual(
      services.map(({ name, user }) => `${name} ${user}`),
      [
        "redis-exporter 59000:59000",
        "alertmanager 65534:65534",
        "prometheus 65534:65534",
        "loki 10001:10001",
        "alloy 473:473",
        "grafana 472:0",
      ],
    ));

  it("mount files that are written", () => {
    const paths = observabilityFiles(INPUT).map(({ path }) => path);
    for (const { from } of services.flatMap(({ files }) => files))
      assert.ok(
        paths.some((path) => path === from || path.startsWith(`${from}/`)),
        from,
      );
  });

  it("name their configuration where it is mounted", () => {
    for (const { name, command, files } of services.filter(
      ({ name }) => !["grafana", "redis-exporter"].includes(name),
    ))
      assert.ok(
        files.some(({ to }) => command.some((word) => word.endsWith(to))),
        name,
      );
  });

  it("keep strangers out of Grafana, and read passwords from files", () => {
    const environment = services.find(({ name }) => name === "grafana")?.environment;
    assert.equal(environment?.GF_AUTH_ANONYMOUS_ENABLED, "false");
    assert.equal(environment?.GF_SECURITY_ADMIN_PASSWORD__FILE, "/run/secrets/grafana-password");
    assert.equal(redisPasswordMap("secret"), '{"redis://redis:6379":"secret"}\n');
  });
});
