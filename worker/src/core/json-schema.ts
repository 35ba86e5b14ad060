import { Ajv2019, type KeywordDefinition } from "ajv/dist/2019.js";
import draft7 from "ajv/dist/refs/json-schema-draft-07.json" with { type: "json" };

const PREFIX_ITEMS: KeywordDefinition = {
  keyword: "prefixItems",
  compile: () => {
    throw new Error('"prefixItems" is of draft 2020-12; write a tuple as an array in "items"');
  },
};

/**
 * A compiler of JSON Schemas in the dialect that `Type` of `@taskfleet/worker/handler` writes: draft-07, with
 * what 2019-09 adds. It throws for a `$schema` of another draft, and for a tuple as 2020-12 writes it.
 */
export function newAjv(): Ajv2019 {
  // Schemas are data of other programs: unknown keywords and formats are theirs.
  const ajv = new Ajv2019({ allErrors: true, strict: false, validateFormats: false, logger: false });
  return ajv.addMetaSchema(draft7).addKeyword(PREFIX_ITEMS);
}
