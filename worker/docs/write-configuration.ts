/** Writes `docs/configuration.md`, `docs/names.md` and the table of `docs/sandbox.md`: `node worker/docs/write-configuration.ts`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { configurationPage } from "./configuration-page.ts";
import { namesPage } from "./names-page.ts";
import { withSandboxTable } from "./sandbox-table.ts";

const docs = new URL("../../docs/", import.meta.url);
mkdirSync(docs, { recursive: true });
writeFileSync(new URL("configuration.md", docs), configurationPage());
const sandbox = new URL("sandbox.md", docs);
writeFileSync(sandbox, withSandboxTable(readFileSync(sandbox, "utf8")));
writeFileSync(new URL("names.md", docs), namesPage());
