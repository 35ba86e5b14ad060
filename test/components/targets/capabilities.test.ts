import assert from "node:assert/strict";
import { TARGET_NAMES } from "../../../components/spec/defaults.ts";
import { CONFINEMENTS, FEATURES } from "../../../components/spec/features.ts";
import type { FleetSpec } from "../../../components/spec/fleet-spec.ts";
import { resolveFleet } from "../../../components/spec/resolve.ts";
import {
  CAPABILITIES,
  refuseUnsupported,
  UnsupportedError,
} from "../../../components/targets/capabilities.ts";
import type { Controls } from "../../../worker/contract/controls.ts";

/** Machines that can enforce all controls, and none. */
const EVERYTHING: Controls = { enforced: [], lost: [] };
const NOTHING: Controls = {
  enforced: [],
  lost: CONFINEMENTS.map((name) => ({
    name,
    text: name,
    reason: `no means for ${name}`,
    wayOut: `mend ${name}`,
  })),
};

describe("the capability table", () => {
  for (const target of TARGET_NAMES) {
    it(`says for ${target}, feature by feature, what holds or what to do instead`, () => {
      assert.deepEqual(Object.keys(CAPABILITIES[target]).toSorted(), [...FEATURES].toSorted());
      for (const capability of Object.values(CAPABILITIES[target])) {
        if (capability.enforced === true) continue;
        const { enforced: _enforced, ...texts } = capability;
        assert.ok(Object.values(texts).every((text) => text.length > 10));
      }
    });

    it(`agrees with what ${target} refuses`, () => {
      const written: Record<(typeof FEATURES)[number], FleetSpec> = {
        uid: { security: { uid: 1000 } },
        readOnlyRoot: { security: { readOnlyRoot: true } },
        noNewPrivileges: { security: { noNewPrivileges: true } },
        dropCapabilities: { security: { dropCapabilities: "all" } },
        seccomp: { security: { seccomp: "runtime/default" } },
        pids: { security: { pids: 64 } },
        memory: { security: { memory: "1 GiB" } },
        cpu: { security: { cpu: 2 } },
        gpu: { classes: { vision: { gpu: 1 } } },
        untrustedExecute: { execute: { untrusted: true } },
        publishedApi: { api: { host: "0.0.0.0" } },
        sandboxBroker: { execute: { backEnd: "broker", broker: "/run/broker.sock" } },
        secretFiles: { secrets: { sources: ["file:/etc/keys.json"] } },
        loopbackCollector: { tracing: { enabled: true } },
      };
      for (const feature of FEATURES) {
        const ask = (found: Controls) =>
          refuseUnsupported(resolveFleet(written[feature], target), target, found);
        const { enforced } = CAPABILITIES[target][feature];
        if (enforced === false) assert.throws(() => ask(EVERYTHING), UnsupportedError, feature);
        else assert.doesNotThrow(() => ask(EVERYTHING));
        if (enforced === "where possible") assert.throws(() => ask(NOTHING), UnsupportedError, feature);
      }
    });
  }

  it("accepts the defaults, and a confinement that the spec does without by name", () => {
    refuseUnsupported(resolveFleet({}, "local"), "local", NOTHING);
    const security = { uid: 1000, pids: 64, acceptUnenforced: CONFINEMENTS };
    refuseUnsupported(resolveFleet({ security }, "local"), "local", NOTHING);
  });

  it("names target, feature, value, reason and the nearest alternative, for all at once", () => {
    const spec: FleetSpec = { security: { pids: 64 }, classes: { vision: { gpu: 1 } } };
    assert.throws(() => refuseUnsupported(resolveFleet(spec, "local"), "local", NOTHING), {
      name: "UnsupportedError",
      message:
        'target "local" cannot do what the spec demands:\n' +
        "  security.pids: 64 (pids): no means for pids. Nearest: mend pids, or accept it by " +
        'security.acceptUnenforced: ["pids"].\n' +
        "  classes.vision.gpu: 1 (gpu): a plain process cannot be given a GPU of its own. Nearest: " +
        "a class of its own without `gpu`; its handlers choose the device.",
    });
  });
});
