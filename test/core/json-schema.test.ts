import assert from "node:assert/strict";
import { newAjv } from "../../worker/src/core/json-schema.ts";
import { Type } from "../../worker/src/handler.ts";
import { handlerProblems } from "../../worker/src/handlers/check-handler.ts";

const fits = (schema: object, value: unknown) => newAjv().compile(schema)(value);

describe("JSON Schemas of payloads", () => {
  it("may be tuples of Type", () => {
    const tuple = Type.Tuple([Type.String(), Type.Number()]);
    assert.equal(fits(tuple, ["a", 1]), true);
    assert.equal(fits(tuple, ["a", "b"]), false);
    assert.equal(fits(tuple, ["a", 1, 2]), false);
  });

  it("may close what Type puts together", () => {
    const both = Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })], {
      unevaluatedProperties: false,
    });
    assert.equal(fits(both, { a: "", b: "" }), true);
    assert.equal(fits(both, { a: "", b: "", c: "" }), false);
  });

  it("may name draft-07, and no draft whose rules would not be kept", () => {
    assert.equal(fits({ $schema: "http://json-schema.org/draft-07/schema#", type: "array" }, {}), false);
    const newer = { $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" };
    assert.throws(() => newAjv().compile(newer), /2020-12/);
    assert.throws(() => newAjv().compile({ prefixItems: [{ type: "string" }] }), /array in "items"/);
  });

  it("are judged at a handler's load as at a push", () => {
    const handler = (payload: object) => ({
      kind: "k",
      version: "1",
      description: "",
      payload,
      run: () => {},
    });
    assert.deepEqual(handlerProblems(handler(Type.Tuple([Type.String()]))), []);
    assert.equal(handlerProblems(handler({ prefixItems: [{}] })).length, 1);
  });
});
