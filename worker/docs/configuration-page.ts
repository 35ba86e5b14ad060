/** `docs/configuration.md`, written from the settings table. */
import { PRESETS, SETTINGS, type Setting, type SettingName, type SettingRole } from "../contract/settings.ts";
import { allowedValues, defaultText } from "../src/config/describe-setting.ts";

const ROLE_WORDS = {
  worker: "worker",
  spawner: "spawner",
  api: "API",
  cli: "command line",
  broker: "sandbox broker",
  backup: "backup",
  watch: "watch-queue",
} as const satisfies Record<SettingRole, string>;

const INTRODUCTION = `# Configuration

<!-- Written by \`node worker/docs/write-configuration.ts\`; a test checks that it fits the table. -->

Every option of the worker image, from \`worker/contract/settings.ts\`. Values come from the environment; a \`.env\`
file in the working directory is read too, and the environment wins over it. An empty variable counts as not set.
All of it is checked at start, and everything that is wrong is reported at once. Bare numbers are seconds unless
the option says otherwise.

A secret \`NAME\` may be given as \`NAME_FILE\`, the path of a file that holds it; its last newline is dropped.
`;

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function row(setting: Setting): string {
  const fallback = defaultText(setting);
  const roles = setting.roles.map((role) => ROLE_WORDS[role]).join(", ");
  const cells = [`\`${setting.env}\``, fallback === "" ? "none" : `\`${fallback}\``];
  return `| ${[...cells, allowedValues(setting), roles, setting.doc].map(cell).join(" | ")} |`;
}

function presetRow(name: string, values: Partial<Record<SettingName, number>>): string {
  const own = (key: "pollInterval" | "concurrency" | "batchSize") => values[key] ?? SETTINGS[key].default;
  return `| \`${name}\` | ${own("pollInterval")} | ${own("concurrency")} | ${own("batchSize")} |`;
}

/** The page's Markdown text. */
export function configurationPage(): string {
  const settings = Object.values(SETTINGS) as readonly Setting[];
  const presetColumns = [SETTINGS.pollInterval, SETTINGS.concurrency, SETTINGS.batchSize];
  return [
    INTRODUCTION,
    "| Variable | Default | Allowed | Read by | Meaning |",
    "| --- | --- | --- | --- | --- |",
    ...settings.map(row),
    "",
    `## Presets of \`${SETTINGS.preset.env}\``,
    "",
    "A variable that is set by itself wins over the preset.",
    "",
    `| Preset | ${presetColumns.map(({ env }) => `\`${env}\``).join(" | ")} |`,
    "| --- | --- | --- | --- |",
    ...Object.entries(PRESETS).map(([name, values]) => presetRow(name, values)),
    "",
  ].join("\n");
}
