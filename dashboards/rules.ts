import { stringify } from "yaml";
import type { AlertRule } from "./alerts.ts";
import { duration } from "./promql.ts";
import { runbookUrl } from "./runbooks.ts";

/** How often rules are evaluated, in seconds. */
export const EVALUATION_SECONDS = 15;

/** The rules as a file for Prometheus. `runbooks`: where their pages are. */
export function rulesFile(rules: readonly AlertRule[], runbooks?: string): string {
  const group = {
    name: "taskfleet",
    interval: duration(EVALUATION_SECONDS),
    rules: rules.map(({ name, expr, limit, severity, summary, description }) => ({
      alert: name,
      expr,
      ...(limit.for === 0 ? {} : { for: duration(limit.for) }),
      labels: { severity },
      annotations: { summary, description, runbook_url: runbookUrl(name, runbooks) },
    })),
  };
  return stringify({ groups: [group] }, { lineWidth: 0 });
}
