import assert from "node:assert/strict";
import { FOOTPRINTS } from "../../../../components/targets/compose/footprints.ts";
import { broken } from "./profile-check.ts";
import { compiled, EXAMPLES, filledIn, parsed, serviceOf, servicesOf, specOf } from "./support.ts";

describe("how services of a Compose project are confined", () => {
  for (const [name, [spec, context]] of Object.entries(EXAMPLES)) {
    it(`keeps every service to the profile: ${name}`, () => {
      const relaxed = spec.security?.readOnlyRoot === false ? ["worker"] : [];
      const problems = Object.entries(servicesOf(spec, context))
        .filter(([service]) => !relaxed.includes(service))
        .map(([service, definition]) => [service, broken(definition)])
        .filter(([, rules]) => rules?.length !== 0);
      assert.deepEqual(problems, []);
    });
  }

  it("names the one control that is broken", () => {
    const worker = serviceOf("worker");
    const { limits, reservations } = worker.deploy.resources;
    const limited = (other: object) => ({
      deploy: { resources: { limits: { ...limits, ...other }, reservations } },
    });
    const breaks: Readonly<Record<string, object>> = {
      "a user of its own, never root": { user: "0:0" },
      "a read-only root": { read_only: false },
      "no capabilities": { cap_drop: [] },
      "no new privileges": { security_opt: [] },
      "the engine's filter of system calls": {
        security_opt: ["no-new-privileges:true", "seccomp=unconfined"],
      },
      "a bounded /tmp": { tmpfs: ["/tmp"] },
      "a limit of processes, said twice alike": { pids_limit: 0 },
      "no swap": { memswap_limit: "3g" },
      "a reservation within its limit": { deploy: { resources: { limits, reservations: { memory: "3g" } } } },
      "a limit of processor time": limited({ cpus: "0" }),
      "bounded logs": { logging: { driver: "json-file", options: {} } },
      "nothing of the host": { privileged: true },
    };
    assert.deepEqual(broken(worker), []);
    for (const [rule, change] of Object.entries(breaks))
      assert.deepEqual(broken({ ...worker, ...change }), [rule], rule);
    const unlimited = { ...worker, memswap_limit: "0b", ...limited({ memory: "0b" }) };
    assert.deepEqual(broken(unlimited), ["a memory limit", "a reservation within its limit"]);
  });

  it("gives a worker the spec's figures, 2 GiB with 512 MiB set aside and half a CPU by default", () => {
    const { deploy, user, pids_limit, tmpfs, init } = serviceOf("worker");
    assert.deepEqual(
      { deploy, user, pids_limit, tmpfs, init },
      {
        deploy: {
          resources: {
            limits: { cpus: "0.5", memory: "2g", pids: 256 },
            reservations: { memory: "512m" },
          },
        },
        user: "65532:65532",
        pids_limit: 256,
        tmpfs: ["/tmp:size=1g,mode=1777"],
        init: true,
      },
    );
    const security = { uid: 70_000, pids: 64, memory: "300 MiB", cpu: 3 } as const;
    const asked = serviceOf("worker", { security });
    assert.deepEqual(asked.deploy.resources, {
      limits: { cpus: "3", memory: "300m", pids: 64 },
      reservations: { memory: "300m" },
    });
    assert.equal(asked.user, "70000:70000");
    assert.equal(serviceOf("spawner", { security }).user, "70000:70000");
  });

  it("lets a spec relax its workers alone", () => {
    const [spec] = specOf("confined less");
    assert.deepEqual(broken(serviceOf("worker", spec)), [
      "a read-only root",
      "no capabilities",
      "no new privileges",
      "the engine's filter of system calls",
    ]);
    assert.deepEqual(broken(serviceOf("spawner", spec)), []);
  });

  it("gives a reason for every deviation, and every service one of the table's rows", () => {
    for (const [part, { reason, cpus }] of Object.entries(FOOTPRINTS)) {
      assert.ok(reason.length > 10, part);
      assert.ok(cpus <= 1, `${part}: an engine refuses more CPUs than its host has`);
    }
  });

  it("lets nothing out that has no need to, and nothing in but published ports", () => {
    const { networks, services } = parsed(compiled());
    const inside = Object.entries(networks).filter(([, network]) => network.internal === true);
    assert.deepEqual(
      inside.map(([name]) => name),
      ["queue", "monitoring"],
    );
    const on = (network: string) =>
      Object.entries(services).flatMap(([name, one]) => (one.networks.includes(network) ? [name] : []));
    assert.deepEqual(on("egress"), ["worker"]);
    assert.deepEqual(on("front"), ["api", "redis", "postgres", "prometheus", "alloy", "grafana"]);
    const ports = Object.values(services).flatMap((one) => one.ports ?? []);
    assert.deepEqual(ports, [
      "0.0.0.0:8080:8080",
      "127.0.0.1:6379:6379",
      "127.0.0.1:5432:5432",
      "127.0.0.1:9090:9090",
      "127.0.0.1:1514:1514/udp",
      "127.0.0.1:3000:3000",
    ]);
  });

  it("gives the socket to the watcher alone, with Redis' password and nothing else", () => {
    const services = servicesOf({}, { hasSecrets: true });
    const holders = Object.entries(services).filter(([, { volumes = [] }]) =>
      volumes.some(({ source }) => /socket|docker\.sock/i.test(source)),
    );
    assert.deepEqual(
      holders.map(([name]) => name),
      ["watch-queue"],
    );
    const { secrets, ports, networks, tmpfs, group_add } = serviceOf("watch-queue");
    assert.deepEqual(
      { secrets, ports, networks, group_add },
      {
        secrets: ["redis-password"],
        ports: undefined,
        networks: ["queue", "monitoring"],
        group_add: [filledIn("TASKFLEET_DOCKER_GROUP")],
      },
    );
    // It sees the project's folder, and an empty one where the secrets are.
    assert.ok(tmpfs.includes(`${filledIn("TASKFLEET_PROJECT_DIRECTORY")}/secrets:size=4k,mode=0500`));
  });
});
