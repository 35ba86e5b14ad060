import { stringify } from "yaml";
import type { AlertReceiver, ObservabilityInput } from "./input.ts";

const RECEIVER = "fleet";

function receiver(to: AlertReceiver) {
  if (to.kind === "none") return { name: RECEIVER };
  return { name: RECEIVER, webhook_configs: [{ url: to.url, send_resolved: true }] };
}

/** `alertmanager.yml`: one receiver; alerts of a name are told together, and again while they last. */
export function alertmanagerConfig(input: Pick<ObservabilityInput, "receiver">): string {
  const config = {
    route: {
      receiver: RECEIVER,
      group_by: ["alertname"],
      group_wait: "30s",
      group_interval: "5m",
      repeat_interval: "4h",
      routes: [
        { matchers: ['severity="critical"'], receiver: RECEIVER, group_wait: "10s", repeat_interval: "1h" },
      ],
    },
    // Without a leader the queue's metrics are old or missing: one cause, one alert.
    inhibit_rules: [
      {
        source_matchers: ['alertname="NoLeader"'],
        target_matchers: ['alertname=~"WorkersTooFew|ScrapeTargetDown"', 'severity!="critical"'],
        equal: ["service"],
      },
    ],
    receivers: [receiver(input.receiver)],
  };
  return stringify(config, { lineWidth: 0 });
}
