/** What an API has beside its routes: `/metrics` on an address of its own, and a report that others find it by. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { ApiReports } from "../adapters/redis/api-reports.ts";
import type { ApiParts } from "../api/parts.ts";
import { readiness } from "../api/readiness.ts";
import { keepReporting } from "../api/reporter.ts";
import { HealthServer } from "../http/health-server.ts";

export interface ApiSide {
  /** Where /metrics answers. */
  readonly address: string;
  close(): Promise<void>;
}

/** `address`: where the API serves. @throws HealthServerError */
export async function openSide(parts: ApiParts, address: string): Promise<ApiSide> {
  const { settings, redis, metrics, stopping } = parts;
  metrics.start();
  const ready = () => readiness(parts);
  const server = new HealthServer({
    ...{ host: settings.httpHost, port: settings.httpPort, ready },
    metrics: () => metrics.text(),
  });
  await server.start();
  const reports = new ApiReports(redis);
  const self = {
    ...{ id: randomUUID(), host: hostname(), pid: process.pid, started_at: Date.now() },
    ...{ streams: settings.streams, address, metrics: server.address },
  };
  const reporting = keepReporting(
    { self, readiness: ready, report: (report) => reports.report(report) },
    stopping,
  );
  return {
    address: server.address,
    close: async () => {
      await reporting;
      await reports.forget(self.id).catch(() => {
        // without Redis the report ends by itself
      });
      await server.stop();
    },
  };
}
