import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as text from "@grafana/grafana-foundation-sdk/text";
import type { AlertName } from "../alert-limits.ts";
import { LINKS } from "../board.ts";
import { RUNBOOK_PANELS, RUNBOOKS_UID } from "./runbook-panels.ts";

/** The pages about alerts, one panel each. `page`: an alert's page as Markdown. */
export function runbooksBoard(page: (alert: AlertName) => string): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder("taskfleet: Runbooks")
    .uid(RUNBOOKS_UID)
    .description("What each alert means, where to look and what to do.")
    .tags(["taskfleet"])
    .readonly()
    .timezone("browser")
    .links(
      LINKS.map(([title, url]) =>
        new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).icon("doc"),
      ),
    );
  for (const [alert, id] of Object.entries(RUNBOOK_PANELS) as [AlertName, number][])
    builder.withPanel(
      new text.PanelBuilder()
        .id(id)
        .title(alert)
        .mode(text.TextMode.Markdown)
        .content(page(alert))
        .height(12)
        .span(12),
    );
  return builder.build();
}
