import assert from "node:assert/strict";
import { PermanentError, RetryLaterError } from "../../worker/src/handler.ts";
import type { Circuits, Permit, Verdict } from "../../worker/src/ports/circuits.ts";
import { circuit } from "../../worker/src/runtime/circuit.ts";

function recorded(permit: Permit = { waitMs: 0, probe: "7" }) {
  const reports: [string, string, Verdict][] = [];
  const circuits: Circuits = {
    enter: async () => permit,
    report: async (name, { probe }, verdict) => {
      reports.push([name, probe, verdict]);
    },
  };
  const controller = new AbortController();
  return { reports, controller, of: (name: string) => circuit(circuits, name, controller.signal) };
}

async function thrown(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    () => assert.fail("it succeeded"),
    (error: unknown) => error,
  );
}

describe("a handler's circuit", () => {
  it("returns what the call returns and reports a success, with the permit's probe", async () => {
    const { of, reports } = recorded();
    assert.equal(await of("s").run(async () => 42), 42);
    assert.deepEqual(reports, [["s", "7", "success"]]);
  });

  it("passes on what the call throws as it is, a failure unless it is an answer", async () => {
    const { of, reports } = recorded();
    const [broken, answer] = [new Error("broken"), new PermanentError("404")];
    assert.equal(await thrown(() => of("s").run(() => Promise.reject(broken))), broken);
    assert.equal(await thrown(() => of("s").run(() => Promise.reject(answer))), answer);
    const sync = new Error("before any promise");
    const throws = () => {
      throw sync;
    };
    assert.equal(await thrown(() => of("s").run(throws)), sync);
    assert.deepEqual(
      reports.map(([, , verdict]) => verdict),
      ["failure", "success", "failure"],
    );
  });

  it("blames the service for a time-out, and nobody for a cancel or a stop", async () => {
    const verdicts = [];
    for (const reason of ["timeout", "cancelled", "stopping", "lost"]) {
      const { of, reports, controller } = recorded();
      await thrown(() =>
        of("s").run(async () => {
          controller.abort(reason);
          throw new Error("aborted");
        }),
      );
      verdicts.push(reports[0]?.[2]);
    }
    assert.deepEqual(verdicts, ["failure", "none", "none", "none"]);
  });

  it("calls nobody while it is open, and has the task come again when it may", async () => {
    const { of, reports } = recorded({ waitMs: 41_000, probe: "" });
    const error = await thrown(() => of("s").run(() => assert.fail("it was called")));
    assert.ok(error instanceof RetryLaterError);
    assert.deepEqual(
      [error.message, error.reason, error.retryAfterMs],
      ["Circuit breaker open - service unavailable", "circuit", 41_000],
    );
    assert.deepEqual(reports, []);
  });

  it("has a name of at most 300 printable characters", () => {
    const { of } = recorded();
    assert.ok(of("x".repeat(300)));
    for (const name of ["", "x".repeat(301), "a\nb"]) assert.throws(() => of(name), PermanentError);
  });
});
