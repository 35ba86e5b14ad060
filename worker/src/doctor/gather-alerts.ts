/** Asks Prometheus which alerts it knows, how they stand and whom it tells. */
import type { AlertFacts, AlertRuleFacts, Unknown } from "./facts.ts";

const PATIENCE_MS = 3_000;

/** What Prometheus' HTTP API answers, as far as it is read here. */
interface RulesAnswer {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly type: string;
      readonly name: string;
      readonly state?: string;
      readonly health: string;
      readonly lastError?: string;
    }[];
  }[];
}
interface ReceiversAnswer {
  readonly activeAlertmanagers: readonly unknown[];
}

/** `url`: Prometheus' address, empty for none. What does not answer becomes a fact, not an error. */
export async function gatherAlerts(url: string): Promise<AlertFacts | Unknown> {
  if (url === "") return { unknown: "TASKFLEET_PROMETHEUS_URL names no Prometheus" };
  const address = url.replace(/\/+$/, "");
  try {
    const [rules, receivers] = await Promise.all([
      ask<RulesAnswer>(`${address}/api/v1/rules?type=alert`),
      ask<ReceiversAnswer>(`${address}/api/v1/alertmanagers`),
    ]);
    return {
      address,
      fault: null,
      rules: rules.groups
        .flatMap((group) => group.rules)
        .filter(({ type }) => type === "alerting")
        .map(toFacts),
      receivers: receivers.activeAlertmanagers.length,
    };
  } catch (error) {
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    return { address, fault: String(cause?.code ?? (error as Error).message), rules: [], receivers: 0 };
  }
}

function toFacts({ name, state, health, lastError }: RulesAnswer["groups"][0]["rules"][0]): AlertRuleFacts {
  return {
    name,
    firing: state === "firing",
    error: health === "err" ? (lastError ?? "unknown error") : null,
  };
}

/** @throws Error where it does not answer, or not as Prometheus does. */
async function ask<Answer>(url: string): Promise<Answer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: "error" });
  const body: unknown = response.ok ? await response.json().catch(() => null) : null;
  const { status, data } = (body ?? {}) as { status?: string; data?: Answer };
  if (status !== "success" || data === undefined)
    throw new Error(response.ok ? "does not answer as Prometheus does" : `answers ${response.status}`);
  return data;
}
