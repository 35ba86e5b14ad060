/** The table of `docs/sandbox.md`: what enforces each protection in each back end. */
import {
  CGROUP_ENFORCEMENT,
  ENFORCEMENT,
  type Enforcement,
  HELPER_BACK_ENDS,
  MEANINGS,
  PROTECTIONS,
} from "../contract/sandbox.ts";

const BEGIN = "<!-- table: worker/contract/sandbox.ts -->";
const END = "<!-- end of table -->";

const cell = (enforcement: Enforcement | undefined) =>
  enforcement === undefined ? "" : `${enforcement.how} (${enforcement.by})`;

export function sandboxTable(): string {
  const helpers = HELPER_BACK_ENDS.map((name) => `\`${name}\``);
  const columns = [...helpers, "these with control groups, instead", "`broker`"];
  const rows = PROTECTIONS.map((protection) => [
    `\`${protection}\`: ${MEANINGS[protection]}`,
    ...HELPER_BACK_ENDS.map((backEnd) => cell(ENFORCEMENT[backEnd][protection])),
    cell(CGROUP_ENFORCEMENT[protection]),
    cell(ENFORCEMENT.broker[protection]),
  ]);
  const header = ["protection", ...columns];
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

/** The page with its table as the data has it now. */
export function withSandboxTable(page: string): string {
  const [before = "", rest = ""] = page.split(BEGIN);
  const [, after = ""] = rest.split(END);
  return `${before}${BEGIN}\n${sandboxTable()}${END}${after}`;
}
