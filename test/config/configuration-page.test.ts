import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { SETTINGS } from "../../worker/contract/settings.ts";
import { configurationPage } from "../../worker/docs/configuration-page.ts";

describe("docs/configuration.md", () => {
  const page = readFileSync(new URL("../../docs/configuration.md", import.meta.url), "utf8");

  it("is what the settings table says; else run node worker/docs/write-configuration.ts", () => {
    assert.equal(page, configurationPage());
  });

  it("has a row for every setting", () => {
    for (const { env } of Object.values(SETTINGS)) assert.ok(page.includes(`| \`${env}\` |`), env);
  });
});
