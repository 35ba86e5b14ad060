import { EXIT } from "../../../contract/exit-codes.ts";
import type { Check } from "../../doctor/check.ts";
import { CHECKS } from "../../doctor/checks.ts";
import { gatherFacts } from "../../doctor/gather.ts";
import { judge, showReport } from "../../doctor/report.ts";
import type { DoctorOptions } from "../doctor.ts";
import { CliError } from "../report-error.ts";
import { withSession } from "../session.ts";

/** `doctor`: gives the exit code. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const checks = chosen(options.only);
  return withSession(options, async (session) => {
    const facts = await gatherFacts(session, options.reports);
    const report = judge(checks, facts, { stream: session.stream, strict: options.strict === true });
    process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : showReport(report));
    return report.passed ? EXIT.ok : EXIT.failed;
  });
}

/** The checks that `--only` names, in the report's order; all without it. */
export function chosen(only: string | undefined): readonly Check[] {
  if (only === undefined) return CHECKS;
  const ids = only.split(",").map((id) => id.trim());
  const unknown = ids.filter((id) => !CHECKS.some((check) => check.id === id));
  if (unknown.length > 0)
    throw new CliError(
      `--only: ${unknown.map((id) => JSON.stringify(id)).join(", ")} is no check`,
      EXIT.usage,
      `Checks: ${CHECKS.map(({ id }) => id).join(", ")}.`,
    );
  return CHECKS.filter(({ id }) => ids.includes(id));
}
