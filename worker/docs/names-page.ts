/** `docs/names.md`, written from the table of names. */
import { METRICS } from "../contract/metrics.ts";
import { SETTINGS } from "../contract/settings.ts";
import { NAMES, type NameRow } from "./names.ts";

const INTRODUCTION = `# Names of the source systems, and ours

<!-- Written by \`node worker/docs/write-configuration.ts\` from worker/docs/names.ts; a test checks that it fits. -->

Environment variables and metrics of the systems whose runbooks taskfleet follows. What a variable means:
[configuration](configuration.md).
`;

function ours({ settings = [], metrics = [] }: NameRow): string {
  const names = [...settings.map((key) => SETTINGS[key].env), ...metrics.map((key) => METRICS[key].name)];
  return names.length === 0 ? "none" : names.map((name) => `\`${name}\``).join(", ");
}

/** The page's Markdown text. */
export function namesPage(): string {
  const parts = Object.entries(NAMES).map(([source, rows]) => [
    `## ${source}\n`,
    "| theirs | ours | remarks |",
    "| --- | --- | --- |",
    ...rows.map((row) => `| \`${row.theirs}\` | ${ours(row)} | ${row.note ?? ""} |`),
    "",
  ]);
  return [INTRODUCTION, ...parts.flat()].join("\n");
}
