/** Writes `docs/configuration.md`: `node worker/docs/write-configuration.ts`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { configurationPage } from "./configuration-page.ts";

mkdirSync(new URL("../../docs/", import.meta.url), { recursive: true });
writeFileSync(new URL("../../docs/configuration.md", import.meta.url), configurationPage());
